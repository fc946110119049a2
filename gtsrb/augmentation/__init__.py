"""A batch of images and targets in, the same batch randomly changed out.

Random parameters are drawn first and applied afterwards; the caller passes the generator. No Keras and no file access here.
"""
