"""The studies in docs/: rows that still are what they say, and the table that a page shows of one."""

import pytest
from conftest import ROOT

from gtsrb.studies import results, study, study_table

PATHS = [*sorted(ROOT.glob("docs/*.yaml")), *sorted(ROOT.glob("docs/seeds/*.yaml"))]
STUDIES = [path for path in PATHS if path.stem != "test_time_augmentation"]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_row_is_valid_and_changes_something(path):
    """Its overrides give params that are taken, and that differ from those of the other rows."""
    found = {run.row: run.params for run in study.list_runs(study.read(path), (ROOT / "params.yaml").read_text())}
    assert len(set(found.values())) == len(found)


def test_the_table_of_the_ideas_is_that_of_their_runs():
    rows = list(study.read(ROOT / "docs/ideas.yaml").rows)
    table = study_table.summarize(results.read_lines(ROOT / "docs/ideas.csv"), rows)
    assert study_table.format_summary(table) in (ROOT / "docs/ideas.md").read_text()
