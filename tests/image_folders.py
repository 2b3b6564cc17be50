"""Folders of small image files for tests: class sub-folders, splits, images with masks;
and what can be wrong with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def random_image(seed: int, height: int = 6, width: int = 5, channels: int = 3) -> Pixels:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def save(path: Path, pixels: Pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def class_folder(root: Path, counts: Mapping[str, int], *, seed: int = 0, channels: int = 3) -> Path:
    """`root/CLASS/NUMBER.png`, `counts` images each."""
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            save(
                root / name / f"{number:03}.png",
                random_image(1000 * (seed + place) + number, channels=channels),
            )
    return root


def split_folder(root: Path) -> Path:
    """train/, val/ and test/ with two classes."""
    for seed, (part, count) in enumerate({"train": 6, "val": 3, "test": 4}.items()):
        class_folder(root / part, {"cat": count, "dog": count + 1}, seed=10 * seed)
    return root


def mask_folder(root: Path, count: int = 10, *, classes: int = 3, seed: int = 0) -> Path:
    """images/ and masks/ of one name each; a pixel's class is its red value times
    `classes` / 256, and a few are ignored.
    """
    for number in range(count):
        image = random_image(seed + number)
        mask = (image[:, :, 0].astype(np.uint16) * classes // 256).astype(np.uint8)
        mask[0, 0] = 255
        save(root / "images" / f"{number:03}.png", image)
        save(root / "masks" / f"{number:03}.png", mask)
    return root
