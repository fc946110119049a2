"""A trained network in, an exported file and its model card out; pictures in, the most probable signs out.

predictor.py, which runs exported files, imports no Keras, TensorFlow or DVC.
"""
