"""In: params.yaml. Out: its sections as typed, validated objects, one file for the sections of each stage.

No default values, and no computation but what follows from the values alone (seeds of members, recipes of folds): what a value
does is documented where it is used. Imports no other subpackage.
"""
