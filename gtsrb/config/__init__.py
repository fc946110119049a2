"""params.yaml in, typed and validated sections out; a file for the sections of each stage.

No default and no computation is here: what a value does stands where it is read. Nothing here imports another room.
"""
