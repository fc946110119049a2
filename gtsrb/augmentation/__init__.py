"""A batch of images and targets in, the same changed at random out.

Parameters are drawn first and applied then; the generator comes with the call. No Keras and no file is here.
"""
