"""In: a raw image and the box around its sign. Out: the network's input. Equalise, crop, resize.

Nothing is random, and every processor gives the same bytes.
"""
