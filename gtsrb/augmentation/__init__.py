"""A batch of images and targets in, the same batch randomly changed out.

The caller passes the generator. No Keras and no file access here.
"""
