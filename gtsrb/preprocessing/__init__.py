"""A raw image and the box around its sign in, the array that a network takes out: equalise, crop, resize.

Nothing is random here, and every processor gives the same bytes.
"""
