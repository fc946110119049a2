"""Tables of metrics, images and predictions in, plots and HTML for people out.

No metric is computed here, and no stage depends on it.
"""
