"""Trains one recipe:  python -m stages.train RECIPE

Reads   data/raw/classes.csv, data/processed/VARIANT/train/, data/processed/VARIANT/SET/ (of synthetic images; or none/)
Writes  models/RECIPE/memberN/{last,best}.weights.h5  one folder per member; no `best` without validation images
        data/validation/RECIPE/rows.npy               (n,) int64, the rows of the training split that validated
                               probabilities.npy      (n, classes) float32, by the last weights, averaged over members
        metrics/RECIPE/history.csv                    averaged over members
        metrics/RECIPE/training.json

Members train side by side, as many as the cores have threads for (or GTSRB_JOBS), with the same result. If it is killed, the
same command resumes after the last finished epoch of each and ends with the same weights.
"""

from pathlib import Path

from gtsrb import device
from gtsrb.command_line import argument, run_stage
from gtsrb.config.load import load_section, section_names
from gtsrb.config.train import Recipe
from gtsrb.data import arrays
from gtsrb.data.arrays import Sources
from gtsrb.networks import ensemble
from gtsrb.networks.build import shape_of
from gtsrb.outputs import write_array, write_csv, write_json
from gtsrb.progress import format_runs
from gtsrb.training import checkpoints, loop


def main() -> str:
    name = argument("recipe", section_names("train"))
    recipe = load_section(Recipe, "train", name)
    photographs, synthetic = loop.source_dirs(recipe)
    data, drawn, names = arrays.load(photographs), arrays.load(synthetic), arrays.read_class_names()
    loop.check_classes(recipe, names, drawn.labels)
    classes = len(names)

    with checkpoints.checkpoint_dir(recipe, [photographs, synthetic]) as checkpoint_dir:
        with loop.open_trainers(recipe, recipe.members) as workers:
            sources = Sources(photographs, synthetic)
            trained = loop.train(recipe, sources, classes=classes, folder=checkpoint_dir, workers=workers)
        shape = shape_of(data.images, classes)
        for number, member in enumerate(trained.members):
            for kind in ("last", "best"):
                if weights := member.weights(kind):
                    ensemble.save_weights(ensemble.weights_file(name, number, kind), weights, recipe.network, **shape)
        write_array(Path(f"data/validation/{name}/rows.npy"), trained.validation_rows)
        write_array(Path(f"data/validation/{name}/probabilities.npy"), trained.probabilities)
        write_csv(Path(f"metrics/{name}/history.csv"), trained.history)
        metrics = loop.training_metrics(trained, data.labels[trained.validation_rows])
        metrics |= {
            "train_images": len(trained.train_rows),
            "validation_images": len(trained.validation_rows),
            "device": loop.name_devices(trained.members),
            "threads": recipe.threads,
            "precision": recipe.precision,
            "versions": device.versions(),
        }
        if recipe.synthetic.share:
            metrics["synthetic_images"] = len(drawn.labels)
        write_json(Path(f"metrics/{name}/training.json"), metrics)
    if recipe.members > 1:
        print(
            format_runs((name, recipe.epochs, run["val_accuracy"], run["seconds"]) for name, run in metrics["members"].items())
        )
    result = "no validation images"
    if len(trained.validation_rows):
        result = f"{metrics['val_accuracy']:.2%} of {len(trained.validation_rows):,} validation images right"
    return f"{result}, {f'{recipe.members} networks of ' if recipe.members > 1 else ''}{recipe.epochs} epochs"


if __name__ == "__main__":
    run_stage(main)
