"""Params in, a Keras model out that maps images to class probabilities; reads and writes the weight files of an ensemble.

Nothing is trained here.
"""
