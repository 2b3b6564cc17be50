"""Augmentation: images and label maps stay aligned (hypothesis), each change against a
slow reference, soft labels of mixup.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import stripes

from bsngraph.data import Augmentation, Dataset, Split, parse_augmentation
from bsngraph.data.augmentation import augmented, cut_out, draw_moves, mixed_up, moved
from bsngraph.errors import InputError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scenes(images: torch.Tensor, labels: torch.Tensor, how: Augmentation, ignore: int | None) -> Dataset:
    split = Split(images, labels)
    return Dataset(
        "scenes",
        tuple("abcdefg"),
        (0.0,),
        (1.0,),
        split,
        split,
        split,
        how,
        task="segmentation",
        ignore_label=ignore,
    )


# --- images and label maps


@given(
    st.integers(1, 6),
    st.integers(2, 9),
    st.integers(2, 9),
    st.builds(
        Augmentation,
        shift=st.integers(0, 9),
        flip=st.booleans(),
        crop=st.floats(0.2, 1.0),
    ),
    st.integers(0, 2**31),
)
def test_image_and_mask_stay_aligned_under_any_augmentation(
    batch: int, height: int, width: int, how: Augmentation, seed: int
) -> None:
    """The label of a pixel is a function of its value; it still is afterwards, and what
    came in from outside is told apart.
    """
    images = torch.randint(1, 200, (batch, 1, height, width), dtype=torch.uint8, generator=generator(seed))
    labels = (images[:, 0] * 7 % 5).to(torch.uint8)
    data = scenes(images, labels, how, ignore=255)
    ((inputs, found),) = data.training_batches(batch, generator(seed + 1), augment=True)
    assert found.dtype == torch.int64
    assert found.shape == (batch, height, width)
    outside = inputs[:, 0] == 0
    assert (found[outside] == 255).all()
    assert torch.equal(found[~outside], (inputs[:, 0].to(torch.uint8) * 7 % 5).long()[~outside])
    if not how.shift:
        assert not outside.any()


def test_without_an_ignore_label_background_comes_in() -> None:
    images = torch.full((32, 1, 4, 4), 9, dtype=torch.uint8)
    data = scenes(images, torch.full((32, 4, 4), 3, dtype=torch.uint8), Augmentation(shift=2), None)
    ((inputs, labels),) = data.training_batches(32, generator(), augment=True)
    assert (inputs == 0).any()
    assert torch.equal(labels == 0, inputs[:, 0] == 0)


def test_labels_under_a_cut_out_stay() -> None:
    images = torch.full((8, 1, 6, 6), 9, dtype=torch.uint8)
    data = scenes(images, torch.full((8, 6, 6), 3, dtype=torch.uint8), Augmentation(cutout=4), 255)
    ((inputs, labels),) = data.training_batches(8, generator(), augment=True)
    assert (inputs == 0).any()
    assert (labels == 3).all()


def test_evaluation_batches_yield_label_maps_as_they_are() -> None:
    labels = torch.randint(7, (5, 4, 4), dtype=torch.uint8)
    data = scenes(torch.zeros(5, 1, 4, 4, dtype=torch.uint8), labels, Augmentation(shift=2), None)
    found = torch.cat([batch for _, batch in data.evaluation_batches(data.test, 2)])
    assert found.dtype == torch.int64
    assert torch.equal(found, labels.long())


# --- each change


@given(st.integers(2, 9), st.integers(2, 9), st.floats(0.3, 1.0), st.integers(0, 2**31))
def test_crop_takes_a_window_of_that_share_and_enlarges_it(
    height: int, width: int, share: float, seed: int
) -> None:
    """In ascending order, inside the image, and not less of it than the share says."""
    moves = draw_moves(16, height, width, Augmentation(crop=share), generator(seed))
    for axis, side in ((moves.rows, height), (moves.columns, width)):
        assert int(axis.min()) >= 0
        assert int(axis.max()) < side
        assert (axis.diff(dim=1) >= 0).all()
        extent = axis[:, -1] - axis[:, 0] + 1
        assert (extent >= share * (side - 1)).all()


def test_crops_differ_from_example_to_example_and_reach_every_edge() -> None:
    moves = draw_moves(200, 8, 8, Augmentation(crop=0.5), generator())
    assert len({tuple(row.tolist()) for row in moves.rows}) > 20
    assert {int(row[0]) for row in moves.rows} >= {0, 3}
    assert {int(row[-1]) for row in moves.rows} >= {4, 7}


def test_moved_pixels_are_those_the_moves_name() -> None:
    images = torch.randint(256, (4, 2, 5, 6), dtype=torch.uint8, generator=generator())
    how = Augmentation(shift=2, flip=True, crop=0.6)
    moves = draw_moves(4, 5, 6, how, generator(1))
    found = moved(images, moves, fill=7)
    for example in range(4):
        for row in range(5):
            for column in range(6):
                y, x = int(moves.rows[example, row]) - 2, int(moves.columns[example, column]) - 2
                expected = images[example, :, y, x] if 0 <= y < 5 and 0 <= x < 6 else torch.tensor([7, 7])
                assert found[example, :, row, column].tolist() == expected.tolist()


@pytest.mark.parametrize("side", [1, 2, 3, 8])
def test_cut_out_sets_one_square_to_the_mean_and_its_centre_is_anywhere(side: int) -> None:
    found = cut_out(torch.ones(400, 2, 5, 7), side, generator())
    assert torch.equal(found[:, 0], found[:, 1])
    centres = set()
    for hole in (found[:, 0] == 0).numpy():
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole[np.ix_(rows, columns)].all()
        assert hole.sum() == len(rows) * len(columns)
        assert len(rows) <= side
        assert len(columns) <= side
        centres.add((tuple(rows), tuple(columns)))
    if side < 4:
        assert len(centres) == 5 * 7


def test_mixup_mixes_inputs_and_labels_by_the_same_shares() -> None:
    labels = torch.arange(12) % 3
    inputs = torch.nn.functional.one_hot(labels, 3).float().view(12, 3, 1, 1).expand(12, 3, 2, 2)
    mixed, soft = mixed_up(inputs, labels, 3, 0.4, generator())
    assert soft.shape == (12, 3)
    torch.testing.assert_close(soft.sum(1), torch.ones(12))
    torch.testing.assert_close(mixed[:, :, 0, 0], soft)
    assert ((soft > 0.01).sum(1) == 2).any()


def test_mixup_reaches_the_batches_of_a_classification_and_cross_entropy_takes_them() -> None:
    data = stripes().with_augmentation(Augmentation(mixup=1.0))
    inputs, soft = next(data.training_batches(16, generator(), augment=True))
    assert soft.shape == (16, 2)
    assert soft.dtype == torch.float32
    assert torch.isfinite(
        torch.nn.functional.cross_entropy(inputs.flatten(1)[:, :2], soft, reduction="none")
    ).all()
    hard = next(data.training_batches(16, generator(), augment=False))[1]
    assert hard.dtype == torch.int64


def test_every_augmentation_follows_from_the_generator_alone() -> None:
    data = stripes().with_augmentation(Augmentation(shift=1, flip=True, crop=0.7, cutout=2, mixup=0.5))

    def epoch(seed: int) -> torch.Tensor:
        torch.rand(3)
        np.random.default_rng().random()
        batches = list(data.training_batches(16, generator(seed), augment=True))
        return torch.cat([torch.cat([inputs.flatten(1), labels], dim=1) for inputs, labels in batches])

    assert torch.equal(epoch(1), epoch(1))
    assert not torch.equal(epoch(1), epoch(2))


def test_shift_is_padding_and_cropping() -> None:
    images = torch.rand(3, 1, 4, 4) + 0.1
    found = augmented(images, Augmentation(shift=1), generator(2))
    padded = torch.nn.functional.pad(images, [1] * 4)
    for image, whole in zip(found, padded, strict=True):
        windows = [whole[:, top : top + 4, left : left + 4] for top in range(3) for left in range(3)]
        assert any(torch.equal(image, window) for window in windows)


# --- texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Augmentation()),
        ("shift=4", Augmentation(shift=4)),
        ("shift=4,flip,cutout=8,mixup=0.2", Augmentation(shift=4, flip=True, cutout=8, mixup=0.2)),
        (" flip , crop=0.8 ", Augmentation(flip=True, crop=0.8)),
    ],
)
def test_augmentation_is_read_from_text_and_written_as_it_is_read(text: str, expected: Augmentation) -> None:
    assert parse_augmentation(text) == expected
    assert parse_augmentation(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no ''"),
        ("shfit=4", "there is no 'shfit': did you mean 'shift'?"),
        ("shift", "shift needs a value: shift=NUMBER"),
        ("shift=", "shift= must be a whole number"),
        ("shift=1.5", "shift=1.5 must be a whole number"),
        ("flip=yes", "flip takes no value"),
        ("flip,flip", "flip is given twice"),
        ("shift=-1", "shift=-1 must be a number of pixels, 0 or more"),
        ("crop=0", "crop=0.0 must be a share"),
        ("crop=nan", "crop=nan must be a share"),
        ("mixup=inf", "mixup=inf must be"),
        ("cutout=100000", "cutout=100000 must be"),
    ],
)
def test_what_is_no_augmentation_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_augmentation(text)
    assert said in str(caught.value)


def test_augmentation_without_meaning_for_the_data_is_refused() -> None:
    split = Split(torch.zeros(4, 3), torch.arange(4) % 2)
    spread = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    vectors = replace(stripes(), train=split, validation=split, test=split, **spread)
    with pytest.raises(InputError, match="augmentation flip is for images, but stripes has 3"):
        vectors.with_augmentation(Augmentation(flip=True))
    with pytest.raises(InputError, match="augmentation cutout=2 is for images"):
        vectors.with_augmentation(Augmentation(cutout=2))
    assert vectors.with_augmentation(Augmentation(mixup=0.2)).augmentation.mixup == 0.2
    with pytest.raises(InputError, match=r"mixup=0\.2 is for classification, but scenes is for segmentation"):
        scenes(torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4).long(), Augmentation(), None).with_augmentation(
            Augmentation(mixup=0.2)
        )
