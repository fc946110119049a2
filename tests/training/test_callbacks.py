"""Random layers are reseeded at each epoch; a plateau schedule can be resumed; what is printed of an epoch."""

import numpy as np
import pandas as pd
import pytest
from example_training import IMAGES, TRAIN, build_model, equal, fit

from gtsrb.config.train import ReduceOnPlateau
from gtsrb.training.batches import TrainingBatches
from gtsrb.training.callbacks import EpochPrinter, EpochSeeding


def test_dropout_depends_on_the_epoch_only(recipe):
    model = build_model(recipe)
    seeding = EpochSeeding(3, TrainingBatches(TRAIN, recipe, epoch=0))
    seeding.set_model(model)
    outputs = []
    for epoch in (0, 1, 0):
        seeding.on_epoch_begin(epoch)
        outputs.append(np.asarray(model(IMAGES, training=True)))
    assert (outputs[0] != outputs[1]).any()
    assert (outputs[0] == outputs[2]).all()


@pytest.mark.seconds
@pytest.mark.parametrize("until", [1, 2, 3])
def test_a_plateau_schedule_reduces_the_rate_and_can_be_resumed(recipe, tmp_path, until):
    schedule = ReduceOnPlateau(name="reduce_on_plateau", factor=0.5, patience=1, min_delta=10.0)  # no loss improves by 10
    recipe = recipe.model_copy(update={"schedule": schedule})
    uninterrupted, _ = fit(recipe, tmp_path / "uninterrupted")
    rates = pd.read_csv(tmp_path / "uninterrupted/history.csv")["learning_rate"]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.005, 0.0025], rtol=1e-6)
    fit(recipe, tmp_path / "resumed", until=until)
    resumed, _ = fit(recipe, tmp_path / "resumed")
    assert equal(uninterrupted.get_weights(), resumed.get_weights())
    assert (tmp_path / "uninterrupted/history.csv").read_bytes() == (tmp_path / "resumed/history.csv").read_bytes()


def test_printed_epochs_are_aligned(capsys):
    printer = EpochPrinter("")
    printer.set_params({"epochs": 30, "steps": 1})
    for epoch, accuracy, rate in [(0, 0.01, 0.01), (9, 0.5, 1e-3), (29, 1.0, 1.23456e-5)]:
        printer.on_epoch_begin(epoch)
        printer.on_train_batch_end(0)
        printer.on_epoch_end(epoch, {"loss": 2 - accuracy, "accuracy": accuracy, "learning_rate": rate})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "epoch  1/30  loss 1.9900  accuracy   1.00%  learning_rate 0.01      0 s"
    assert len({len(line) for line in lines}) == 1 and "val" not in lines[0]
