"""The faces of the signs: size, transparency, inks, and that no two classes are alike."""

import numpy as np
import pytest

from gtsrb.data.labels import WITHOUT_SIGN
from gtsrb.synthetic.faces import FACES, draw_inks, list_inks
from gtsrb.synthetic.other_signs import OTHER_FACES
from gtsrb.synthetic.shapes import BLACK, BLUE, RED, WHITE, YELLOW

CLASSES = range(43)
VARIANTS = [(class_id, variant) for class_id in CLASSES for variant in range(len(FACES[class_id]))]
OTHERS = [(WITHOUT_SIGN, variant) for variant in range(1, len(OTHER_FACES))]  # the first is empty


def ink_fraction(class_id: int, variant: int, ink: int) -> float:
    """Fraction of the sign that this ink covers."""
    coverage = draw_inks(class_id, variant, 96).astype(float)
    inks = list_inks(class_id, variant)
    white = coverage[..., 3] - coverage[..., :3].sum(axis=2)
    of_ink = {WHITE: white} | {other: coverage[..., channel] for channel, other in enumerate(inks[1:])}
    return float(of_ink[ink].sum() / coverage[..., 3].sum()) if ink in of_ink else 0.0


def whiteness(class_id: int, variant: int = 0, side: int = 48) -> np.ndarray:
    """(side, side) fraction of each pixel that is white, half where there is no sign."""
    coverage = draw_inks(class_id, variant, side).astype(float) / 255
    return coverage[..., 3] - coverage[..., :3].sum(axis=2) + 0.5 * (1 - coverage[..., 3])


@pytest.mark.parametrize("side", [15, 48, 100])
def test_faces_have_the_requested_size_and_transparent_corners(side):
    for class_id, variant in VARIANTS:
        face = draw_inks(class_id, variant, side)
        assert face.shape == (side, side, 4) and face.dtype == np.uint8
        assert face[side // 2, side // 2, 3] == 255 and (face[[0, 0, -1, -1], [0, -1, 0, -1], 3] < 128).sum() >= 2


def test_no_ink_is_lost():
    """Three channels are enough for all inks of a face but white, and together they cover no more than the sign."""
    for class_id, variant in VARIANTS + OTHERS:
        coverage = draw_inks(class_id, variant, 512).astype(int)
        assert (coverage[..., :3].sum(axis=2) <= coverage[..., 3]).all()
        inks = list_inks(class_id, variant)
        assert inks[0] == WHITE and len(set(inks)) == len(inks) <= 4
        assert sum(ink_fraction(class_id, variant, ink) for ink in inks) == pytest.approx(1, abs=0.01)


def test_every_class_has_a_face_and_no_two_are_alike():
    assert len(FACES) == len(CLASSES) and min(map(len, FACES)) >= 2
    faces = {pair: whiteness(*pair) for pair in VARIANTS}
    differences = {(a, b): abs(faces[a] - faces[b]).mean() for a in VARIANTS for b in VARIANTS if a[0] < b[0]}
    assert min(differences.values()) > 0.008, min(differences, key=differences.get)


def test_no_other_sign_is_a_class():
    """In shape and inks, which are all that a network sees; mirrored, a pictogram is another sign."""
    faces, others = (
        [draw_inks(*pair, 48).astype(int)[..., 3] + whiteness(*pair) * 255 for pair in pairs] for pairs in (VARIANTS, OTHERS)
    )
    nearest = [min(abs(other - face).mean() for face in faces) for other in others]
    assert min(nearest) > 4, OTHERS[int(np.argmin(nearest))]
    assert not draw_inks(WITHOUT_SIGN, 0, 48).any()


def test_faces_have_the_inks_of_their_classes():
    for class_id, variant in VARIANTS:
        red, blue, white = (ink_fraction(class_id, variant, ink) for ink in (RED, BLUE, WHITE))
        if class_id in (14, 17):
            assert red > 0.5
        elif class_id in range(33, 41):
            assert blue > 0.5 and red == 0
        elif class_id == 12:
            assert ink_fraction(class_id, variant, YELLOW) > 0.25 and red == 0
        elif class_id in (6, 32, 41, 42):
            assert white > 0.4 and red == 0
        elif class_id in (0, 1, 2, 3, 4, 5, 7, 8) and variant == len(FACES[class_id]) - 1:
            assert ink_fraction(class_id, variant, BLACK) > 0.5 and red > 0.1  # lights
        else:
            assert red > 0.2 and white > 0.1, (class_id, variant)


@pytest.mark.parametrize(
    ("left", "right", "tip"),
    [(19, 20, (60, 62)), (34, 33, (24, 40)), (37, 36, (14, 60)), (39, 38, (31, 68))],
)
def test_left_and_right_signs_are_mirror_images(left, right, tip):
    """`tip`, x and y in hundredths, is inside the left sign's arrow; its mirror image is outside."""
    assert len(FACES[left]) == len(FACES[right])
    x, y = tip
    for variant in range(len(FACES[left])):
        assert abs(whiteness(left, variant) - whiteness(right, variant)[:, ::-1]).mean() < 0.01
    for class_id, sides in ((left, (x, 99 - x)), (right, (99 - x, x))):
        arrow, plate = (whiteness(class_id, 0, 100)[y, side] for side in sides)
        assert (arrow < 0.1 and plate > 0.9) if class_id < 33 else (arrow > 0.9 and plate < 0.1), (class_id, arrow, plate)
