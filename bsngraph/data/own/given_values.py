"""Values as users have them → arrays: tensors, lists, pictures, columns of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from bsngraph.data.reading.images.image_file import image_pixels
from bsngraph.errors import InputError
from bsngraph.tasks.label_forms import Array


def array_of(what: str, value: Any) -> Array:
    """An array of numbers or texts. A list of examples has a row for each, and a
    picture is (channels, height, width) uint8, as programs show it.

    Raises:
        InputError: examples differ in shape, or the values make no array; the text
            begins with `what`.
    """
    if isinstance(value, torch.Tensor):
        if value.is_meta or value.layout != torch.strided:
            raise InputError(f"{what}: is a tensor without plain values (meta or sparse): make it dense")
        there = value.detach().cpu()
        return (there.float() if there.dtype == torch.bfloat16 else there).numpy()
    if isinstance(value, Image.Image):
        try:
            return image_pixels(ImageOps.exif_transpose(value), None)
        except InputError as error:
            raise InputError(f"{what}: the picture {error}") from None
    if np.ma.is_masked(value):
        raise InputError(f"{what}: has masked entries: fill them in, or leave out their examples")
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if isinstance(value, list | tuple) and any(not isinstance(one, int | float | str) for one in value):
        return stacked(what, [array_of(f"{what}[{number}]", one) for number, one in enumerate(value)])
    try:
        return np.asarray(value)
    except ValueError as error:  # a list of lists of several lengths
        raise InputError(f"{what}: is no array ({error})") from None


def stacked(what: str, examples: Sequence[Array]) -> Array:
    """A row for each example.

    Raises:
        InputError: there is none, or one has another shape than the first.
    """
    if not examples:
        raise InputError(f"{what}: there are no examples in it")
    shape = examples[0].shape
    for number, one in enumerate(examples):
        if one.shape != shape:
            raise InputError(
                f"{what}: example {number} is {one.shape}, but example 0 is {shape}: bring all to one size"
            )
    return np.stack(examples)


def whole_labels(what: str, labels: Array) -> Array:
    """Labels that must be whole numbers, as such.

    Raises:
        InputError: one is not; the text says which.
    """
    if labels.dtype.kind != "f":
        return labels
    values = labels.astype(np.float64)
    broken = np.argwhere(values != np.round(values))  # NaN among them
    if len(broken):
        place = tuple(int(one) for one in broken[0])
        raise InputError(
            f"{what}: example {place[0]} has the label {labels[place]}, which is not a whole number: classes "
            "are numbered, and amounts have task='regression'"
        )
    return labels.astype(np.int64)


def are_texts(labels: Array) -> bool:
    """Whether labels are words, and none is missing."""
    words = labels.dtype.kind in "UT"
    return words or (labels.dtype.kind == "O" and all(isinstance(one, str) for one in labels.flat))


def numbered_words(what: str, labels: Array, names: Sequence[str]) -> Array:
    """Words as their numbers among `names`.

    Raises:
        InputError: a word is not among them.
    """
    number_of = {name: number for number, name in enumerate(names)}
    for place, word in enumerate(labels.ravel().tolist()):
        if word not in number_of:
            known = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
            raise InputError(f"{what}: example {place} has the label {word!r}, and the classes are {known}")
    return np.array([number_of[word] for word in labels.ravel().tolist()], dtype=np.int64).reshape(
        labels.shape
    )
