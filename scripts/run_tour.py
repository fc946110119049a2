"""Runs the tour from top to bottom and keeps its outputs, to be committed:  python -m scripts.run_tour

Reads and writes notebooks/tour.ipynb
"""

import hashlib
import json
from pathlib import Path

from gtsrb.command_line import run
from gtsrb.outputs import atomic_write

TOUR = Path("notebooks/tour.ipynb")
CELL_LIMIT = 300  # seconds


def main() -> None:
    book = run_cells(json.loads(TOUR.read_text()), TOUR.parent)
    book["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "sources_sha256": sources_sha256(book),
    }
    with atomic_write(TOUR) as temporary_path:
        temporary_path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n")


def run_cells(book: dict, folder: Path) -> dict:
    """The notebook with its outputs, run in `folder`. Raises nbclient's `CellExecutionError`."""
    import nbformat  # here, since the `notebook` extra is optional, and a test of the committed outputs does without it
    from nbclient import NotebookClient

    node = nbformat.reads(json.dumps(book), nbformat.NO_CONVERT)
    options = {"timeout": CELL_LIMIT, "kernel_name": "python3", "record_timing": False, "coalesce_streams": True}
    NotebookClient(node, resources={"metadata": {"path": str(folder)}}, **options).execute()
    return json.loads(nbformat.writes(node))


def sources_sha256(book: dict) -> str:
    """Hash of the sources of all cells. The one in the notebook's metadata is of those that its outputs are of."""
    return hashlib.sha256(json.dumps(["".join(cell["source"]) for cell in book["cells"]]).encode()).hexdigest()


if __name__ == "__main__":
    run(main)
