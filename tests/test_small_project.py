"""Copies of a finished small project: the files they share with it, and the detection of modified ones."""

from small_project import HARD_LINKED, Project


def test_a_copy_shares_hard_links_and_a_modified_one_is_detected(tmp_path):
    finished, shared = Project(tmp_path / "finished"), [f"{name}/file" for name in HARD_LINKED]
    for path in (*shared, "params.yaml", ".dvc/tmp/lock"):
        (finished.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (finished.folder / path).write_text("finished")
    copy, before = finished.copy(tmp_path / "copy"), finished.linked_files()
    assert [(copy.folder / path).samefile(finished.folder / path) for path in shared] == [True] * 3
    assert not (copy.folder / "params.yaml").samefile(finished.folder / "params.yaml")
    assert not (copy.folder / ".dvc/tmp").exists()

    (copy.folder / "another").write_text("new")
    (copy.folder / "another").replace(copy.folder / shared[0])  # as DVC and the stages do it
    assert finished.linked_files() == before
    (copy.folder / shared[1]).write_text("edited")
    assert finished.linked_files() != before
