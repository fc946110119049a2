"""Letters of signs, after DIN 1451: strokes of one width, with flat ends; `write` sets a word."""

from collections.abc import Sequence
from typing import NamedTuple

from gtsrb.synthetic.shapes import Bar, Point, Shape, arc


class Setting(NamedTuple):
    """In hundredths of the sign's side."""

    letter_width: float
    height: float
    gap: float  # between letters
    stroke: float


def write(word: Sequence[str], setting: Setting, ink: int) -> list[Shape]:
    """Letters in the middle of the sign; a 1 is 0.6 as wide as others, and `round 6` another drawing of the 6."""
    letter_width, height, gap, stroke = setting
    widths = [letter_width * (0.6 if letter == "1" else 1) for letter in word]
    left, top = 50.5 - (sum(widths) + gap * (len(word) - 1)) / 2, 50.5 - height / 2
    shapes: list[Shape] = []
    for letter, width in zip(word, widths, strict=True):
        for path in _draw_letter(letter, width - stroke, height - stroke):
            shapes.append(Bar([(left + stroke / 2 + x, top + stroke / 2 + y) for x, y in path], stroke, ink))
        left += width + gap
    return shapes


def _draw_letter(letter: str, w: float, h: float) -> list[list[Point]]:
    """The centre lines of a letter, in a box from (0, 0) to (w, h)."""
    r = w / 2
    match letter:
        case "0" | "O":
            return [[(w, r), *arc(r, h - r, r, 0, 180), *arc(r, r, r, 180, 360)]]
        case "1":
            return [[(w, h * 1.04), (w, -h * 0.03)], [(w, h * 0.04), (0, h * 0.25)]]
        case "2":
            return [[*arc(r, r, r, 190, 385), (w * 0.85, h * 0.52), (0, h), (w * 1.13, h)]]
        case "3":
            middle, upper = h * 0.47, r * 0.92
            return [
                [*arc(r, upper, upper, 200, 360), *arc(r, middle - upper, upper, 0, 80), (r * 0.7, middle)],
                [(r * 0.7, middle), *arc(r, middle + r, r, 280, 360), *arc(r, h - r, r, 0, 160)],
            ]
        case "5":
            bowl = h * 0.355
            return [[(w, 0), (w * 0.08, 0), (0, h * 0.49), *arc(r, bowl + r, r, 215, 360), *arc(r, h - r, r, 0, 148)]]
        case "6":
            bowl = h * 0.46
            return [
                [(w * 0.76, -h * 0.04), (w * 0.04, bowl + r * 0.8)],
                [*arc(r, bowl + r, r, 180, 360), *arc(r, h - r, r, 0, 180), (0, bowl + r)],
            ]
        case "round 6":
            bowl = h * 0.44
            return [
                [*arc(r, r, r, 330, 180), (0, bowl + r)],
                [*arc(r, bowl + r, r, 180, 360), *arc(r, h - r, r, 0, 180), (0, bowl + r)],
            ]
        case "4":
            return [[(w * 0.62, -h * 0.04), (0, h * 0.7), (w * 1.12, h * 0.7)], [(w * 0.72, h * 0.42), (w * 0.72, h * 1.04)]]
        case "9":
            return [[(w - x, h - y) for x, y in path] for path in _draw_letter("6", w, h)]
        case "7":
            return [[(-w * 0.1, h * 0.02), (w * 1.03, h * 0.02), (w * 1.03, h * 0.06), (w * 0.44, h * 1.04)]]
        case "8":
            upper, lower, join = r * 0.94, r * 1.05, h * 0.46
            return [
                [*arc(r, upper, upper, 180, 360), *arc(r, join - upper, upper, 0, 180), (r - upper, upper)],
                [*arc(r, join + lower, lower, 180, 360), *arc(r, h - lower, lower, 0, 180), (r - lower, join + lower)],
            ]
        case "A":
            return [[(0, h * 1.04), (r, -h * 0.02), (w, h * 1.04)], [(w * 0.15, h * 0.66), (w * 0.85, h * 0.66)]]
        case "E":
            return [[(w * 1.05, 0), (0, 0), (0, h), (w * 1.05, h)], [(0, h * 0.48), (w * 0.9, h * 0.48)]]
        case "H":
            return [[(0, -h * 0.04), (0, h * 1.04)], [(w, -h * 0.04), (w, h * 1.04)], [(0, h * 0.48), (w, h * 0.48)]]
        case "L":
            return [[(0, -h * 0.04), (0, h), (w * 1.05, h)]]
        case "S":
            return [
                [
                    *arc(r, r, r, 340, 180)[:-1],
                    (0, h * 0.32),
                    (w * 0.12, h * 0.42),
                    (w * 0.88, h * 0.58),
                    (w, h * 0.68),
                    *arc(r, h - r, r, 0, 160),
                ]
            ]
        case "T":
            return [[(-w * 0.05, 0), (w * 1.05, 0)], [(r, 0), (r, h * 1.04)]]
        case "P":
            bowl = h * 0.27
            return [
                [(0, h * 1.04), (0, 0), (w - bowl, 0), *arc(w - bowl, bowl, bowl, -84, 84), (w - bowl, 2 * bowl), (0, 2 * bowl)]
            ]
    raise ValueError(f"no drawing of the letter {letter}")
