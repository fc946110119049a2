"""A study in: rows of overrides of a recipe; one line of results per training and a table out, by validation on track folds.

No stage depends on it. Test metrics are computed only for repetitions of a committed recipe.
"""
