"""Params in, a Keras model out, which takes images and gives class probabilities; and an ensemble's weights as files.

Nothing is trained here.
"""
