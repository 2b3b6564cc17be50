"""Metrics as people read them, without the table of tasks, which needs torch.

A metric that is not known here is shown as a plain number under its name.
"""

from __future__ import annotations

from bsngraph.runs.overview.listed_run import shown_metric
from bsngraph.runs.rows.result import Scores
from bsngraph.wording import quantity

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


def headline_of(scores: Scores) -> str:
    """The metric that a task is judged by."""
    shown = shown_metric(scores)
    return shown[0] if shown else "loss"


def metric_title(name: str) -> str:
    """`mean IoU` of mean_iou."""
    return _TITLES.get(name, name.replace("_", " "))


def score_text(scores: Scores, name: str) -> str:
    """A metric of a split as people read it; `unknown` where the split lacks it."""
    value = scores.get(name)
    return metric_value(name, value) if isinstance(value, int | float) else "unknown"


def metric_mark(name: str, value: float) -> str:
    """A round value of a metric, as an axis says it: `92 %`, `53.2`."""
    return f"{100 * value:.4g} %" if is_share(name) else quantity(value)


def is_share(name: str) -> bool:
    """Whether a metric is a share of one, shown in percent."""
    return name in _SHARES


def metric_value(name: str, value: float) -> str:
    """`61.25 %`, `53.2`."""
    return f"{100 * value:.2f} %" if is_share(name) else f"{value:.4g}"
