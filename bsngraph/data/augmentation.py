"""Augmentation of whole batches, on the device they are on; what is random about it is
drawn on the CPU, from one generator.

In: raw images (batch, channels, height, width), for segmentation with their label maps.
Out: the same, changed, each example on its own. An image and its label map always move
together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bsngraph.errors import InputError, nearest
from bsngraph.settings.kinds import check_kinds


@dataclass(frozen=True)
class Augmentation:
    """Which random changes a training batch undergoes; by default none.

    `shift` moves images by up to so many pixels in each direction; zeros come in. It is
    the same as padding by `shift` and cropping. `flip` mirrors them left to right with
    probability 0.5. `crop` enlarges a window of at least this share of each side to the
    whole image. `cutout` sets a square of so many pixels a side to the mean (DeVries &
    Taylor 2017). `mixup` mixes every example with another one of the batch, and their
    labels too, by a share drawn from Beta(mixup, mixup) (Zhang et al. 2018); for
    classification.
    """

    shift: int = 0
    flip: bool = False
    crop: float = 1.0
    cutout: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        check_kinds(self)
        for name, fits, takes in (
            ("shift", 0 <= self.shift <= 4096, "a number of pixels, 0 or more"),
            ("crop", 0 < self.crop <= 1, "a share of the side, above 0 and at most 1"),
            ("cutout", 0 <= self.cutout <= 4096, "the side of a square in pixels, 0 or more"),
            (
                "mixup",
                0 <= self.mixup <= 100,
                "the parameter of a Beta distribution, 0 for none, at most 100",
            ),
        ):
            if not fits:
                raise InputError(f"augmentation {name}={getattr(self, name)} must be {takes}")

    @property
    def moves(self) -> bool:
        """Whether pixels change their places."""
        return bool(self.shift or self.flip or self.crop < 1)

    def __str__(self) -> str:
        """As `parse_augmentation` reads it."""
        given = [
            (field.name, getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return ",".join(name if value is True else f"{name}={value}" for name, value in given) or "none"


def parse_augmentation(text: str) -> Augmentation:
    """`shift=4,flip,cutout=8,mixup=0.2`, or `none`.

    Raises:
        InputError: it does not read so.
    """
    if text.strip() == "none":
        return Augmentation()
    kinds: dict[str, type[float]] = {"shift": int, "flip": bool, "crop": float, "cutout": int, "mixup": float}
    given: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if name not in kinds:
            raise InputError(f"--augmentation {text}: there is no {name!r}: {nearest(name, kinds)}")
        if name in given:
            raise InputError(f"--augmentation {text}: {name} is given twice")
        kind = kinds[name]
        if bool(equals) == (kind is bool):
            raise InputError(
                f"--augmentation {text}: "
                + (f"{name} takes no value" if equals else f"{name} needs a value: {name}=NUMBER")
            )
        try:
            given[name] = True if kind is bool else kind(value)
        except ValueError:
            takes = "a whole number" if kind is int else "a number"
            raise InputError(f"--augmentation {text}: {name}={value} must be {takes}") from None
    return Augmentation(**given)  # type: ignore[arg-type]  # each value has its field's type


def handed_over(numbers: Tensor, device: torch.device) -> Tensor:
    """Numbers of the host on a device; a GPU gets them while the host goes on."""
    return numbers.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else numbers.to(device)


@dataclass(frozen=True)
class Moves:
    """Where each pixel of a moved batch comes from: rows (batch, height) and columns
    (batch, width) of the image padded by `pad`.
    """

    rows: Tensor
    columns: Tensor
    pad: int


def draw_moves(batch: int, height: int, width: int, how: Augmentation, generator: torch.Generator) -> Moves:
    """Random windows, flips and shifts for a batch."""
    rows = torch.arange(height).expand(batch, -1)
    columns = torch.arange(width).expand(batch, -1)
    if how.crop < 1:
        share = 1 - (1 - how.crop) * torch.rand(batch, 1, generator=generator)
        place = torch.rand(2, batch, 1, generator=generator)
        rows, columns = (
            ((axis + 0.5) * share + place[which] * (1 - share) * side).long().clamp(max=side - 1)
            for which, (axis, side) in enumerate(((rows, height), (columns, width)))
        )
    if how.flip:
        flip = torch.rand(batch, 1, generator=generator) < 0.5
        columns = torch.where(flip, columns.flip(1), columns)
    if how.shift:
        offsets = torch.randint(2 * how.shift + 1, (2, batch, 1), generator=generator)
        rows, columns = rows + offsets[0], columns + offsets[1]
    return Moves(rows, columns, how.shift)


def moved(images: Tensor, moves: Moves, fill: int = 0) -> Tensor:
    """Images (batch, channels, height, width) with their pixels moved; `fill` comes in
    from outside.
    """
    if moves.pad:
        images = functional.pad(images, [moves.pad] * 4, value=fill)
    which = torch.arange(len(images), device=images.device)[:, None, None]
    rows, columns = handed_over(moves.rows, images.device), handed_over(moves.columns, images.device)
    picked = images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def augmented(images: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Images (batch, channels, height, width), each moved on its own."""
    return moved(images, draw_moves(len(images), images.shape[2], images.shape[3], how, generator), 0)


def cut_out(inputs: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Normalised images with a square of `side` pixels set to the mean, 0, in each; its
    centre is anywhere in the image.
    """
    batch, _, height, width = inputs.shape
    place = torch.rand(2, batch, 1, generator=generator)
    inside = []
    for which, size in enumerate((height, width)):
        first = (place[which] * size).long() - side // 2
        axis = torch.arange(size)
        inside.append((axis >= first) & (axis < first + side))
    hole = handed_over(inside[0][:, None, :, None] & inside[1][:, None, None, :], inputs.device)
    return inputs.masked_fill(hole, 0.0)


def mixed_up(
    inputs: Tensor, labels: Tensor, classes: int, parameter: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Inputs mixed in pairs, and soft labels (batch, classes): the shares of the
    classes, which sum to 1.
    """
    batch = len(inputs)
    partner = handed_over(torch.randperm(batch, generator=generator), inputs.device)
    seed = int(torch.randint(2**62, (), generator=generator))
    shares = np.random.default_rng(seed).beta(parameter, parameter, batch).astype(np.float32)
    share = handed_over(torch.from_numpy(shares), inputs.device)
    hot = functional.one_hot(labels, classes).to(inputs.dtype)
    wide = share.view(-1, *[1] * (inputs.dim() - 1))
    return wide * inputs + (1 - wide) * inputs[partner], share[:, None] * hot + (1 - share[:, None]) * hot[
        partner
    ]
