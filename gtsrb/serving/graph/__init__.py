"""The preprocessing of a picture as an ONNX graph, which an exported network carries with it.

Written in ONNX Script, whose functions look like Python and are translated into operators when they are defined. Each has the
name of the function that it equals, in gtsrb/preprocessing/ or scikit-image; the tests hold the two together.
"""
