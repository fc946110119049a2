"""The names of GTSRB's classes."""

from gtsrb.data.sign_names import SIGN_NAMES


def test_each_of_the_43_classes_has_its_own_name() -> None:
    assert len(SIGN_NAMES) == len(set(SIGN_NAMES)) == 43
