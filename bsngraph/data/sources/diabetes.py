"""scikit-learn's diabetes data: 442 patients, ten measures each, and how their disease
went on (Efron et al. 2004).
"""

from __future__ import annotations

import numpy as np

from bsngraph.data.dataset import Dataset
from bsngraph.data.reading.making import draw, make_dataset
from bsngraph.data.request import Request


def load_diabetes(request: Request) -> Dataset:
    """283 patients to train on, 71 to choose with, 88 to test."""
    from sklearn import datasets  # a second to import, which commands without this data need not wait

    bunch = datasets.load_diabetes(scaled=False)
    inputs, labels = bunch.data.astype(np.float32), bunch.target.astype(np.float32)[:, None]
    rows = draw(
        request, "regression", labels, ("progression",), numbering="rows of sklearn.datasets.load_diabetes"
    )
    return make_dataset(
        request,
        inputs,
        labels,
        rows,
        ("progression",),
        task="regression",
        feature_names=bunch.feature_names,
    )
