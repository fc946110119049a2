"""Drawings beside photographs: which images are compared, and that both are needed."""

import numpy as np
import pytest

from gtsrb.errors import InputError
from gtsrb.outputs import write_array
from scripts import compare_synthetic


def test_hits_are_those_of_all_photographs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    labels = np.array([1, 0, 1])
    with pytest.raises(InputError, match=r"data/validation/synthetic not found; run `dvc repro train@synthetic`"):
        compare_synthetic.read_hits(labels)
    write_array(tmp_path / "data/validation/synthetic/rows.npy", np.arange(3))
    write_array(tmp_path / "data/validation/synthetic/probabilities.npy", np.array([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]]))
    assert compare_synthetic.read_hits(labels).tolist() == [True, True, False]
    with pytest.raises(InputError, match=r"has 3 of 4 photographs; set train.synthetic.validation to split: all"):
        compare_synthetic.read_hits(np.array([1, 0, 1, 1]))


def test_a_sample_has_at_most_so_many_rows_of_each_class():
    labels = np.repeat([0, 1, 2], [50, 3, 20])
    rows = compare_synthetic.sample_rows(labels, 10)
    assert np.bincount(labels[rows]).tolist() == [10, 3, 10] and (np.diff(rows) > 0).all()


def test_drawings_differ_from_sign_to_sign(params, monkeypatch):
    monkeypatch.setattr(compare_synthetic, "DRAWINGS", 2)
    rows = compare_synthetic.draw(params.camera, classes=3)
    images = [image for of_class in rows for image, *_ in of_class]
    assert [len(of_class) for of_class in rows] == [2, 2, 2] and len(set(images)) == 6
    assert compare_synthetic.draw(params.camera, classes=3) == rows
