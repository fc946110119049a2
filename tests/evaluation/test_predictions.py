"""Tables of predictions are read as they were written."""

import pandas as pd
import pytest

from gtsrb.errors import InputError
from gtsrb.evaluation import predictions
from gtsrb.outputs import write_csv


def test_filenames_are_read_as_text(tmp_path):
    rows = pd.DataFrame({"filename": ["NA", "007", "", 'a,"b"/c.png'], "class_id": [0, 1, 2, 3], "prediction": [0, 1, 2, 0]})
    write_csv(tmp_path / "predictions.csv", rows)
    assert predictions.parse((tmp_path / "predictions.csv").read_text(), "x").equals(rows)


def test_a_file_that_is_not_predictions_is_a_one_line_error():
    with pytest.raises(InputError, match=r"^HEAD: cannot be read as predictions \([^\n]*\)$"):
        predictions.parse("filename,class_id\na.ppm,1\n", "HEAD")
