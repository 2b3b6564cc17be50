"""scikit-learn's handwritten digits: real 8×8 images that come with the library."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import train_test_split

from bsngraph.data.dataset import Augmentation, Dataset, Split

TEST_COUNT = 360
VALIDATION_COUNT = 287


def load_digits(_argument: str, split_seed: int) -> Dataset:
    """1,150 images to train on, 287 to choose with and 360 to test once; stratified, the same for a `split_seed`."""
    bunch = datasets.load_digits()
    images, labels = bunch.images.astype(np.uint8)[:, None], bunch.target.astype(np.int64)  # (n, 1, 8, 8), 0 to 16
    rest, test = train_test_split(np.arange(len(labels)), test_size=TEST_COUNT, stratify=labels, random_state=split_seed)
    train, validation = train_test_split(rest, test_size=VALIDATION_COUNT, stratify=labels[rest], random_state=split_seed)

    def split(rows: NDArray[np.int64]) -> Split:
        rows = np.sort(rows)
        return Split(torch.from_numpy(images[rows]), torch.from_numpy(labels[rows]))

    pixels = images[train].astype(np.float64)
    return Dataset(
        name="digits",
        class_names=tuple(str(digit) for digit in range(10)),
        mean=(float(pixels.mean()),),
        std=(float(pixels.std()),),
        train=split(train),
        validation=split(validation),
        test=split(test),
        augmentation=Augmentation(shift=1),
    )
