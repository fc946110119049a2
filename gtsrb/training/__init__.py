"""A recipe and its arrays in, trained weights and their history out: split, batches, optimisers, schedules, the loop.

No test image is read here, and nothing is written but what a killed training resumes from.
"""
