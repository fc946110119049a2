"""Metrics, images and predictions in, plots and HTML for people out.

No metric is computed here, and no stage depends on this directory. A new panel of the report goes into panels.py.
"""
