"""A recipe and its arrays in, trained weights and their history out: split, batches, optimisers, schedules, the loop.

No test image is read here; the only files written are those that a killed training resumes from.
"""
