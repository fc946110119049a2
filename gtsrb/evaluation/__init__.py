"""Labels and predictions in, metrics out: accuracy, intervals, significance; also corruptions and test-time augmentation.

Nothing is trained, plotted or chosen here.
"""
