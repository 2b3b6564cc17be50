"""Metrics as people read them, without the table of tasks, which needs torch.

A metric that is not known here is shown as a plain number under its name.
"""

from __future__ import annotations

from collections.abc import Mapping

_TITLES = {
    "mean_iou": "mean IoU",
    "iou": "IoU",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "f1_micro": "F1 (micro)",
    "f1_macro": "F1 (macro)",
}
_SHARES = frozenset(
    {
        "accuracy",
        "mean_iou",
        "iou",
        "pixel_accuracy",
        "mean_average_precision",
        "average_precision",
        "precision",
        "recall",
        "f1",
        "f1_micro",
        "f1_macro",
    }
)
_LESS_IS_BETTER = frozenset({"loss", "weighted_loss", "rmse", "mae"})


def headline_of(scores: Mapping[str, object]) -> str:
    """The metric that a task is judged by: the first one that its files name."""
    return next(
        (name for name, value in scores.items() if isinstance(value, float) and name != "loss"), "loss"
    )


def metric_title(name: str) -> str:
    """`mean IoU` of mean_iou."""
    return _TITLES.get(name, name.replace("_", " "))


def metric_value(name: str, value: float) -> str:
    """`61.25 %`, `53.2`."""
    return f"{100 * value:.2f} %" if name in _SHARES else f"{value:.4g}"


def higher_is_better(name: str) -> bool:
    """Whether a larger value of a metric is the better one."""
    return name not in _LESS_IS_BETTER
