"""scikit-learn's handwritten digits: real 8×8 images that come with the library; as
images, or as sequences of rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bsngraph.data.augmentation import Augmentation
from bsngraph.data.dataset import Dataset, Split
from bsngraph.data.request import Request
from bsngraph.data.splits import SplitRows

TEST_COUNT = 360
VALIDATION_COUNT = 287


def load_digits(request: Request) -> Dataset:
    """1,150 images to train on, 287 to choose with and 360 to test once; stratified,
    the same for a `split_seed`.
    """
    from sklearn import datasets  # a second to import, which commands without this data need not wait
    from sklearn.model_selection import train_test_split

    bunch = datasets.load_digits()
    # (n, 1, 8, 8), 0 to 16
    images, labels = bunch.images.astype(np.uint8)[:, None], bunch.target.astype(np.int64)
    seed = request.split_seed
    rest, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_COUNT, stratify=labels, random_state=seed
    )
    train, validation = train_test_split(
        rest, test_size=VALIDATION_COUNT, stratify=labels[rest], random_state=seed
    )
    rows = SplitRows(
        np.sort(train), np.sort(validation), np.sort(test), "images of sklearn.datasets.load_digits"
    )

    def split(some: NDArray[np.int64]) -> Split:
        return Split(torch.from_numpy(images[some]), torch.from_numpy(labels[some]))

    pixels = images[rows.train].astype(np.float64)
    return Dataset(
        name=request.text,
        class_names=tuple(str(digit) for digit in range(10)),
        mean=(float(pixels.mean()),),
        std=(float(pixels.std()),),
        train=split(rows.train),
        validation=split(rows.validation),
        test=split(rows.test),
        augmentation=Augmentation(shift=1),
        rows=rows,
    )


def load_digit_sequences(request: Request) -> Dataset:
    """The same digits and splits as sequences (8, 8): the rows from top to bottom are
    the steps, their pixels the features.
    """
    images = load_digits(request)

    def rows_of(split: Split) -> Split:
        return Split(split.inputs[:, 0], split.labels)

    features = images.train.inputs.shape[-1]  # all of them pixels, with the same statistics
    return replace(
        images,
        mean=images.mean * features,
        std=images.std * features,
        train=rows_of(images.train),
        validation=rows_of(images.validation),
        test=rows_of(images.test),
        augmentation=Augmentation(),
    )
