"""What the label of an image can be besides the number of its class."""

WITHOUT_SIGN = -1  # it shows no sign of the classes: a synthetic training image
