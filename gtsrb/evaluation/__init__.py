"""Labels and predictions in, metrics out: accuracy, intervals, significance; also corruptions and test-time augmentation.

Nothing is trained or plotted here; temperature and thresholds are fitted on out-of-fold predictions.
"""
