"""Times the training loop of the tutorial, ported to today's Keras and nothing else:  python -m scripts.time_tutorial

Reads   data/processed/equalized/train/   `dvc repro preprocess@equalized`
Writes  docs/seeds/tutorial.csv           name, accuracy (the tutorial's own, in %), seconds of 30 epochs

An epoch of each of its two trainings is run after a first one, which traces; 30 epochs are the first and 29 times the second.
Run it when the machine does nothing else, in the same hour as the studies in docs/seeds/.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from sklearn.model_selection import train_test_split

from gtsrb.command_line import run
from gtsrb.data import arrays
from gtsrb.outputs import write_csv

TIMES = Path("docs/seeds/tutorial.csv")
EPOCHS, BATCH = 30, 32
ACCURACIES = {"without augmentation": 97.93, "with augmentation": 98.29}  # %, as published in 2017


def main() -> None:
    data = arrays.load(Path("data/processed/equalized/train"))
    images, targets = np.asarray(data.images, "float32") / 255, np.eye(43)[data.labels]
    rows, _ = train_test_split(np.arange(len(images)), test_size=0.2, random_state=42)
    x, y = images[rows], targets[rows]
    generator = ImageDataGenerator(
        width_shift_range=0.1,
        height_shift_range=0.1,
        zoom_range=0.2,
        shear_range=5.73,
        rotation_range=10.0,
        interpolation_order=0,
    )
    times = []
    for name, inputs in {
        "without augmentation": {"x": x, "y": y, "batch_size": BATCH},
        "with augmentation": {"x": generator.flow(x, y, batch_size=BATCH)},
    }.items():
        first, second = time_epochs(inputs)
        print(f"{name}: first epoch {first:.1f} s, second {second:.1f} s")
        times.append({"name": name, "accuracy": ACCURACIES[name], "seconds": round(first + (EPOCHS - 1) * second, 1)})
    write_csv(TIMES, pd.DataFrame(times))


def time_epochs(inputs: dict) -> Iterator[float]:
    """Seconds of the first and of the second epoch of a new network."""
    model = build_model()
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), "categorical_crossentropy", metrics=["accuracy"])
    for _ in range(2):
        started = time.perf_counter()
        model.fit(**inputs, verbose=0)
        yield time.perf_counter() - started


def build_model() -> keras.Model:
    """The tutorial's network: 1,358,155 parameters."""
    model = keras.Sequential([keras.Input((48, 48, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.2))
    for layer in (layers.Flatten(), layers.Dense(512, "relu"), layers.Dropout(0.5), layers.Dense(43, "softmax")):
        model.add(layer)
    return model


if __name__ == "__main__":
    run(main)
