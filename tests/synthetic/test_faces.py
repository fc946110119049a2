"""The faces of the signs: size, transparency, colours, and that no two are alike."""

import numpy as np
import pytest

from gtsrb.synthetic.faces import BLUE, FACES, RED, WHITE, YELLOW, draw_sign

CLASSES = range(43)


def grey_levels(class_id: int, size: int = 48) -> np.ndarray:
    """(size, size) mean levels of R, G and B of the face on mid-grey."""
    face = draw_sign(class_id, size).astype(float)
    opacity = face[..., 3] / 255
    return face[..., :3].mean(axis=-1) * opacity + 128 * (1 - opacity)


def color_fraction(class_id: int, color: tuple[int, int, int]) -> float:
    """Fraction of the opaque pixels that have this colour, to within 10 levels."""
    face = draw_sign(class_id, 96).astype(int)
    opaque_pixels = face[face[..., 3] == 255][:, :3]
    return float((abs(opaque_pixels - color) <= 10).all(axis=1).mean())


@pytest.mark.parametrize("size", [15, 48, 100])
def test_faces_have_the_requested_size_and_transparent_corners(size):
    for class_id in CLASSES:
        face = draw_sign(class_id, size)
        assert face.shape == (size, size, 4) and face.dtype == np.uint8
        assert face[size // 2, size // 2, 3] == 255 and (face[[0, 0, -1, -1], [0, -1, 0, -1], 3] < 128).sum() >= 2


def test_every_class_has_a_face_and_no_two_are_alike():
    assert len(FACES) == len(CLASSES)
    faces = [grey_levels(class_id) for class_id in CLASSES]
    differences = {(a, b): abs(faces[a] - faces[b]).mean() for a in CLASSES for b in range(a)}
    assert min(differences.values()) > 2, min(differences, key=differences.get)


def test_faces_have_the_colours_of_their_classes():
    for class_id in (14, 17):
        assert color_fraction(class_id, RED) > 0.5
    for class_id in range(33, 41):
        assert color_fraction(class_id, BLUE) > 0.5 and color_fraction(class_id, RED) == 0
    assert color_fraction(12, YELLOW) > 0.3 and color_fraction(12, RED) == 0
    for class_id in (*range(6), *range(7, 12), 13, 15, 16, *range(18, 32)):
        assert color_fraction(class_id, RED) > 0.3 and color_fraction(class_id, WHITE) > 0.1
    for class_id in (6, 32, 41, 42):
        assert color_fraction(class_id, WHITE) > 0.4 and color_fraction(class_id, RED) == 0


@pytest.mark.parametrize(
    ("left", "right", "tip"),
    [(19, 20, (42, 51)), (34, 33, (22, 48)), (37, 36, (22, 55)), (39, 38, (32, 68))],
)
def test_left_and_right_signs_are_mirror_images(left, right, tip):
    """`tip`, x and y in hundredths, is inside the left sign's arrow head; its mirror image is outside the arrow."""
    assert abs(grey_levels(left) - grey_levels(right)[:, ::-1]).mean() < 2
    x, y = tip
    for class_id, sides in ((left, (x, 99 - x)), (right, (99 - x, x))):
        arrow, plate = (grey_levels(class_id, 100)[y, side] for side in sides)
        assert arrow < 60 and plate > 200 if class_id < 33 else arrow > 200 and plate < 120
