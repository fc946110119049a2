"""A trained network in, an exported file and its model card out; pictures in, the most probable signs out.

An exported file carries its preprocessing with it. predictor.py, which runs such files, imports no Keras, TensorFlow or DVC.
"""
