"""Metrics of predictions: accuracy, by class, and confusions."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import recall_score, top_k_accuracy_score


def accuracy_metrics(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | int]:
    """(n,) labels and (n, classes) probabilities -> the metrics of metrics/RECIPE.json, accuracies in [0, 1].

    The interval is Wilson's (1927) at 95 %, which assumes independent images; frames of one sign are not.
    """
    classes = np.arange(probabilities.shape[1])
    probability = np.take_along_axis(probabilities, labels[:, None], axis=1).astype(np.float64)
    predictions = probabilities.argmax(axis=1)
    right = int((predictions == labels).sum())
    scores = probabilities if len(classes) > 2 else probabilities[:, 1]  # scikit-learn expects one column for two classes
    interval = binomtest(right, len(labels)).proportion_ci(0.95, method="wilson")
    return {
        "accuracy": right / len(labels),
        "accuracy_low": interval.low,
        "accuracy_high": interval.high,
        "errors": len(labels) - right,
        "loss": float(-np.log(np.clip(probability, 1e-7, 1)).mean()),  # cross-entropy in nats, clipped as Keras does
        "macro_accuracy": recall_score(labels, predictions, labels=np.unique(labels), average="macro"),  # mean over classes
        "top5_accuracy": top_k_accuracy_score(labels, scores, k=min(5, len(classes) - 1), labels=classes),  # 5 at most
    }


def class_metrics(labels: np.ndarray, predictions: np.ndarray, names: list[str]) -> pd.DataFrame:
    """One row per class: class_id, name, images, errors, accuracy (NaN for a class without images)."""
    rows = pd.DataFrame({"class_id": labels, "right": predictions == labels})
    counts = rows.groupby("class_id")["right"].agg(["size", "sum"]).reindex(range(len(names)), fill_value=0)
    return pd.DataFrame(
        {
            "class_id": range(len(names)),
            "name": names,
            "images": counts["size"],
            "errors": counts["size"] - counts["sum"],
            "accuracy": counts["sum"] / counts["size"],
        }
    )


def confusion_counts(labels: np.ndarray, predictions: np.ndarray, names: list[str]) -> pd.DataFrame:
    """One row per pair of truth and prediction that occurs: truth, prediction (sign names), images."""
    rows = pd.DataFrame({"truth": labels, "prediction": predictions})
    counts = rows.groupby(["truth", "prediction"]).size().rename("images").reset_index()
    return counts.assign(truth=counts["truth"].map(names.__getitem__), prediction=counts["prediction"].map(names.__getitem__))
