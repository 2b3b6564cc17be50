"""Data: splits, normalisation, batches and augmentation, against slow and obvious
references.
"""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from sklearn import datasets
from tiny import stripes
from torch import Tensor

from bsngraph.data import DATA_SOURCES, Augmentation, Dataset, Split, load_data
from bsngraph.data.augmentation import augmented
from bsngraph.errors import InputError


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits")


def splits(dataset: Dataset) -> list[tuple[Tensor, Tensor]]:
    return [(split.inputs, split.labels) for split in (dataset.train, dataset.validation, dataset.test)]


# --- digits


def test_digits_are_split_into_1150_287_and_360(digits: Dataset) -> None:
    assert [len(split) for split in (digits.train, digits.validation, digits.test)] == [1150, 287, 360]
    assert digits.input_shape == (1, 8, 8)
    assert digits.class_names == tuple("0123456789")
    for inputs, labels in splits(digits):
        assert inputs.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert int(inputs.max()) == 16


def test_digits_splits_are_stratified_within_one_example_a_class(digits: Dataset) -> None:
    whole = Counter(datasets.load_digits().target.tolist())
    for _, labels in splits(digits):
        for label, count in Counter(labels.tolist()).items():
            assert abs(count - whole[label] * len(labels) / 1797) <= 1
        assert set(labels.tolist()) == set(range(10))


def test_digits_splits_are_disjoint_and_hold_every_example(digits: Dataset) -> None:
    """As multisets of (image, label): what the three hold together is what scikit-learn
    has.
    """
    bunch = datasets.load_digits()
    whole = Counter(
        (bytes(image.astype("uint8").tobytes()), int(label))
        for image, label in zip(bunch.images, bunch.target, strict=True)
    )
    found: Counter[tuple[bytes, int]] = Counter()
    for inputs, labels in splits(digits):
        found += Counter(
            (bytes(image.numpy().tobytes()), int(label)) for image, label in zip(inputs, labels, strict=True)
        )
    assert found == whole


def test_digits_splits_are_the_same_for_a_split_seed_and_others_for_another(digits: Dataset) -> None:
    again, other = load_data("digits", split_seed=0), load_data("digits", split_seed=1)
    for (inputs, labels), (same_inputs, same_labels), (other_inputs, _) in zip(
        splits(digits), splits(again), splits(other), strict=True
    ):
        assert torch.equal(inputs, same_inputs)
        assert torch.equal(labels, same_labels)
        assert not torch.equal(inputs, other_inputs)


def test_normalised_training_split_has_mean_0_and_deviation_1(digits: Dataset) -> None:
    normalised = digits.normalised(digits.train.inputs)
    assert normalised.dtype == torch.float32
    assert normalised.double().mean().item() == pytest.approx(0, abs=1e-5)
    assert normalised.double().std(unbiased=False).item() == pytest.approx(1, abs=1e-5)


def test_normalisation_is_that_of_the_training_split_on_every_split(digits: Dataset) -> None:
    expected = (digits.test.inputs.double() - digits.mean[0]) / digits.std[0]
    torch.testing.assert_close(digits.normalised(digits.test.inputs).double(), expected, atol=1e-5, rtol=1e-5)
    assert digits.mean[0] == pytest.approx(digits.train.inputs.double().mean().item())


def test_normalisation_is_per_channel_and_works_on_vectors() -> None:
    split = Split(torch.zeros(2, 2), torch.tensor([0, 1]))
    two = Dataset("two", ("a", "b"), (1.0, 10.0), (2.0, 5.0), split, split, split, Augmentation())
    assert two.normalised(torch.tensor([[3.0, 0.0]])).tolist() == [[1.0, -2.0]]
    images = two.normalised(torch.tensor([3.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3))
    assert images[0, 0].unique().tolist() == [1.0]
    assert images[0, 1].unique().tolist() == [-2.0]


# --- batches


def numbered(count: int) -> Dataset:
    """Images of which each holds its own number."""
    data = stripes(train=count)
    data.train.inputs[:] = torch.arange(count).view(-1, 1, 1, 1)
    return data


def numbers_of(batches: list[tuple[Tensor, Tensor]]) -> list[int]:
    return [int(number) for inputs, _ in batches for number in inputs[:, 0, 0, 0]]


@pytest.mark.parametrize(
    ("count", "size", "sizes"), [(64, 16, [16] * 4), (50, 16, [16] * 3), (10, 16, [10]), (16, 16, [16])]
)
def test_training_batches_cover_the_split_without_repetition_up_to_a_smaller_rest(
    count: int, size: int, sizes: list[int]
) -> None:
    data = numbered(count)
    batches = list(data.training_batches(size, torch.Generator().manual_seed(0), augment=False))
    assert [len(labels) for _, labels in batches] == sizes
    found = numbers_of(batches)
    assert len(set(found)) == len(found) == sum(sizes)
    assert found != sorted(found)
    for inputs, labels in batches:
        assert torch.equal(labels, data.train.labels[inputs[:, 0, 0, 0].long()])


def test_training_batches_follow_from_the_generator_alone() -> None:
    data = stripes()

    def epoch(seed: int) -> Tensor:
        torch.rand(3)  # the global generator has no say
        return torch.cat(
            [
                inputs
                for inputs, _ in data.training_batches(16, torch.Generator().manual_seed(seed), augment=True)
            ]
        )

    assert torch.equal(epoch(1), epoch(1))
    assert not torch.equal(epoch(1), epoch(2))


def test_training_batches_are_augmented_only_where_asked() -> None:
    data = stripes()

    def epoch(augment: bool) -> set[bytes]:
        batches = data.training_batches(16, torch.Generator().manual_seed(0), augment=augment)
        return {image.numpy().tobytes() for inputs, _ in batches for image in inputs}

    originals = {image.numpy().tobytes() for image in data.train.inputs}
    assert epoch(False) == originals
    assert epoch(True) != originals


@pytest.mark.parametrize("size", [1, 7, 64, 100])
def test_evaluation_batches_are_the_split_in_its_own_order(size: int) -> None:
    data = stripes()
    batches = list(data.evaluation_batches(data.validation, size))
    assert torch.equal(torch.cat([inputs for inputs, _ in batches]), data.validation.inputs)
    assert torch.equal(torch.cat([labels for _, labels in batches]), data.validation.labels)


# --- augmentation


def shifted(image: Tensor, down: int, right: int) -> Tensor:
    """Pixel by pixel; zeros come in."""
    result = torch.zeros_like(image)
    channels, height, width = image.shape
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                if 0 <= row - down < height and 0 <= column - right < width:
                    result[channel, row, column] = image[channel, row - down, column - right]
    return result


@pytest.mark.parametrize(("shift", "flip"), [(1, False), (2, False), (0, True), (1, True)])
def test_augmented_images_are_shifted_and_flipped_versions_of_themselves_and_every_version_occurs(
    shift: int, flip: bool
) -> None:
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(2, 4, 5, generator=generator) + 0.1
    offsets = range(-shift, shift + 1)
    versions = {
        shifted(one, down, right).numpy().tobytes()
        for one in ([image, image.flip(2)] if flip else [image])
        for down in offsets
        for right in offsets
    }
    assert len(versions) == (2 * shift + 1) ** 2 * (1 + flip)
    found = augmented(image.expand(800, -1, -1, -1), Augmentation(shift, flip), generator)
    assert found.shape == (800, 2, 4, 5)
    counts = Counter(one.contiguous().numpy().tobytes() for one in found)
    assert set(counts) == versions
    assert min(counts.values()) > 0.4 * 800 / len(versions)


def test_each_image_is_augmented_on_its_own_and_stays_at_its_place() -> None:
    images = torch.zeros(64, 1, 4, 4, dtype=torch.uint8)
    images += torch.arange(1, 65, dtype=torch.uint8).view(-1, 1, 1, 1)
    found = augmented(images, Augmentation(shift=1), torch.Generator().manual_seed(0))
    assert found.dtype == torch.uint8
    for number, image in enumerate(found, start=1):
        assert set(image.unique().tolist()) <= {0, number}
        assert number in image
    assert len({(image != 0).numpy().tobytes() for image in found}) == 9


def test_augmentation_follows_from_the_generator_alone() -> None:
    images = torch.rand(32, 1, 4, 4)
    how = Augmentation(1, True)
    first, second = (augmented(images, how, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augmented(images, how, torch.Generator().manual_seed(6)))


def test_digits_are_shifted_and_never_flipped(digits: Dataset) -> None:
    assert digits.augmentation == Augmentation(shift=1, flip=False)


# --- names


def test_unknown_data_set_is_refused_with_the_nearest_or_all_known() -> None:
    with pytest.raises(InputError) as caught:
        load_data("digit")
    assert str(caught.value) == "there is no data set 'digit': did you mean 'digits'?"
    with pytest.raises(InputError) as caught:
        load_data("xyzzy")
    assert str(caught.value) == f"there is no data set 'xyzzy': known are {', '.join(sorted(DATA_SOURCES))}"


@pytest.mark.parametrize("name", ["digits:", "digits:/some/where"])
def test_argument_that_a_data_set_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="'digits' takes nothing after a colon: write --data digits"):
        load_data(name)
