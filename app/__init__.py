"""Pictures and the results of the pipeline in, a web page out that names signs and shows the test mistakes: `make app`.

Nothing is trained here, and neither TensorFlow nor DVC is imported.
"""
