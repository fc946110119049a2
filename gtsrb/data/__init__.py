"""Files of the benchmark or of one's own in, two tables of raw images out; and how these, arrays and pictures are read.

No pixel is changed here, but to decode it: what comes in is checked, and every fault is named.
"""
