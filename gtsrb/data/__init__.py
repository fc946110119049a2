"""In: files of the benchmark or the user's own. Out: two tables of raw images; and readers of tables, arrays and pictures.

Images are decoded and checked, never changed, and every problem with the input is named.
"""
