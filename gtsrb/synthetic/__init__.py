"""In: a seed and a number of signs. Out: synthetic images of signs, with annotations like the benchmark's.

No file is read, and no image of the benchmark is used.
"""
