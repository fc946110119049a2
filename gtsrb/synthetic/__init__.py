"""A seed and a number of signs in, rows of images with the benchmark's annotations out: signs that this project draws.

Nothing is read from a file here, and no image of the benchmark is used.
"""
