"""A study, and lines of results."""

from conftest import ROOT

TRACK_FOLDS = ["~train.augmented.validation", "+train.augmented.validation={split:tracks,folds:5,fold:0,seed:0}"]
CONTENT = {
    "recipe": "augmented",
    "common": ["train.augmented.epochs=1", *TRACK_FOLDS],
    "folds": [0, 3],
    "seeds": [0, 7],
    "rows": {"base": [], "batch_normalization": ["train.augmented.network.batch_normalization=true"]},
}
REPEATED = {"recipe": "baseline", "common": [], "folds": [], "seeds": [0, 1], "rows": {"baseline": []}, "test": True}
PARAMS = (ROOT / "params.yaml").read_text()


def line_of(row: str, fold: int, seed: int, errors: dict[int, int]) -> dict:
    """A line of results, of 10 tracks of 10 images with these errors by track."""
    return {
        "row": row,
        "fold": fold,
        "seed": seed,
        "params": f"of {row}",
        "code": "c0de",
        "revision": "1234567",
        "val_accuracy": 1 - sum(errors.values()) / 100,
        "val_loss": 0.1,
        "images": 100,
        "tracks": 10,
        "errors_by_track": " ".join(f"{track}:{count}" for track, count in errors.items()),
        "seconds": 10.0,
        "parameters": 1000,
    }
