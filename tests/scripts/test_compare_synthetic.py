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


def test_drawings_differ_from_sign_to_sign_and_are_the_same_in_every_variant(params, monkeypatch):
    monkeypatch.setattr(compare_synthetic, "DRAWINGS", 2)
    variants = [params.preprocess["plain"], params.preprocess["equalized"]]
    plain, equalized = compare_synthetic.draw(variants, params.camera, classes=3)
    assert plain.shape == equalized.shape == (6, 48, 48, 3)
    assert all((plain[a] != plain[b]).any() for a in range(6) for b in range(a))
    assert (compare_synthetic.draw(variants[:1], params.camera, classes=3)[0] == plain).all()
