"""Rows of overrides in, one line of results per training out, and what each row is worth; validated on folds by tracks.

No stage depends on it. Test figures are computed for repetitions of a committed recipe alone.
"""
