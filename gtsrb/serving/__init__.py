"""A trained network in, a file for others out, with its card; and a picture in, the names of the likeliest signs out.

What answers (predictor.py) needs no Keras, TensorFlow or DVC.
"""
