"""Probabilities or predictions and labels in, metrics out: accuracy, intervals, significance, accuracy under corruption.

Nothing is trained, plotted or chosen here.
"""
