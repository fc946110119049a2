"""In: params.yaml. Out: its sections as typed, validated objects, one file for the sections of each stage.

No default values and no computation: what a value does is documented where it is used. Imports no other subpackage.
"""
