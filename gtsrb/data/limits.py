"""How small and how large a picture may be, wherever it comes from."""

MIN_SIDE = 8  # pixels, of a picture and of the box in it: fewer show no sign
MAX_PIXELS = 50_000_000  # of one picture: more is a mistake or an attack
