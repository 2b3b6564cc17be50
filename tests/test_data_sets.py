"""Known data sets, from generated files in their exact formats: IDX, CIFAR's binary
version; and those composed from scikit-learn's.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets

import bsngraph
from bsngraph.data import DATA_SOURCES, load_data
from bsngraph.data.splits import PARTS
from bsngraph.errors import InputError

# --- IDX


def idx(values: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes: 0 0, type 8, dimensions, each size as four bytes
    high first, values.
    """
    return (
        struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        + values.astype(np.uint8).tobytes()
    )


def mnist_folder(
    root: Path, *, train: int = 60, test: int = 20, side: int = 4, zipped: bool = False
) -> dict[str, np.ndarray]:
    """The four files of MNIST; gives their values."""
    generator = np.random.default_rng(0)
    values = {}
    root.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        values[f"{part}-images-idx3-ubyte"] = generator.integers(
            256, size=(count, side, side), dtype=np.uint8
        )
        values[f"{part}-labels-idx1-ubyte"] = (np.arange(count) % 10).astype(np.uint8)
    for name, array in values.items():
        content = idx(array)
        (root / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)
    return values


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", ["mnist", "fashion-mnist"])
def test_idx_files_are_read_exactly(kind: str, zipped: bool, tmp_path: Path) -> None:
    values = mnist_folder(tmp_path, zipped=zipped)
    data = load_data(f"{kind}:{tmp_path}")
    assert data.input_shape == (1, 4, 4)
    assert len(data.class_names) == 10
    assert [len(getattr(data, part)) for part in PARTS] == [50, 10, 20]
    images = np.concatenate([values["train-images-idx3-ubyte"], values["t10k-images-idx3-ubyte"]])
    labels = np.concatenate([values["train-labels-idx1-ubyte"], values["t10k-labels-idx1-ubyte"]])
    assert data.rows is not None
    assert data.rows.test.tolist() == list(range(60, 80))
    for part in PARTS:
        rows = getattr(data.rows, part)
        assert np.array_equal(getattr(data, part).inputs[:, 0].numpy(), images[rows])
        assert np.array_equal(getattr(data, part).labels.numpy(), labels[rows])


def test_smaller_images_are_means_over_blocks_and_fewer_training_images_are_drawn_by_class(
    tmp_path: Path,
) -> None:
    values = mnist_folder(tmp_path)
    data = load_data(f"fashion-mnist:{tmp_path},size=2,train=20")
    assert data.input_shape == (1, 2, 2)
    assert Counter(data.train.labels.tolist()) == dict.fromkeys(range(10), 2)
    assert len(data.validation) == 10
    images = values["t10k-images-idx3-ubyte"].astype(float)
    for image, small in zip(images, data.test.inputs[:, 0].numpy(), strict=True):
        for row in range(2):
            for column in range(2):
                mean = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean()
                assert small[row, column] == int(mean + 0.5)
    assert data.name == f"fashion-mnist:{tmp_path},size=2,train=20"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda content: content[:-1],
            "train-images-idx3-ubyte: is truncated: its header says 60x4x4 values, but it holds 959",
        ),
        (lambda content: content + b"x", "train-images-idx3-ubyte: is longer than it says"),
        (
            lambda content: content[:5],
            "train-images-idx3-ubyte: is not an IDX file of 3-dimensional bytes (it begins with 00 00 08 03)",
        ),
        (
            lambda content: b"\x00\x00\x0d\x03" + content[4:],
            "is not an IDX file of 3-dimensional bytes (it begins with 00 00 0d 03)",
        ),
        (lambda content: content[:4] + b"\xff" * 12, "from 1 to 1,000,000,000 can be read"),
        (lambda content: b"", "is not an IDX file"),
    ],
)
def test_damaged_idx_files_are_refused(damage: object, said: str, tmp_path: Path) -> None:
    mnist_folder(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        load_data(f"mnist:{tmp_path}")
    assert said in str(caught.value)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    mnist_folder(tmp_path, zipped=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz: cannot be read"):
        load_data(f"mnist:{tmp_path}")
    path.write_bytes(b"no gzip at all")
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz: cannot be read"):
        load_data(f"mnist:{tmp_path}")


def test_labels_out_of_range_and_of_another_count_are_refused(tmp_path: Path) -> None:
    mnist_folder(tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(idx(np.full(60, 10)))
    with pytest.raises(
        InputError, match="train-labels-idx1-ubyte: example 0 has the label 10, but labels are 0 to 9"
    ):
        load_data(f"mnist:{tmp_path}")
    path.write_bytes(idx(np.zeros(59)))
    with pytest.raises(InputError, match="train-labels-idx1-ubyte: has 59 labels for 60 images"):
        load_data(f"mnist:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnist:{}", "there is no train-images-idx3-ubyte (or .gz) in {}: mnist:DIR is a folder with"),
        (
            "fashion-mnist:{}",
            "install Debian's package dataset-fashion-mnist, or give a folder with its IDX files: "
            "fashion-mnist:DIR",
        ),
        (
            "cifar10:{}",
            "get cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and "
            "give its folder: cifar10:DIR",
        ),
        ("cifar100:{}", "get cifar-100-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html"),
        ("folder:{}/none", "there is no folder {}/none"),
        ("npz:{}/none.npz", "there is no file {}/none.npz"),
        ("csv:{}/none.csv", "there is no file {}/none.csv"),
    ],
)
def test_missing_data_says_in_one_line_how_to_get_it(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_data(name.format(tmp_path))
    assert said.format(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


# --- CIFAR


def cifar_records(
    count: int, classes: int, label_bytes: int, seed: int
) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Records of the binary version: label bytes, then 1,024 red, green and blue
    values.
    """
    generator = np.random.default_rng(seed)
    pixels = generator.integers(256, size=(count, 3, 32, 32), dtype=np.uint8)
    labels = (np.arange(count) % classes).astype(np.uint8)
    content = b""
    for label, image in zip(labels, pixels, strict=True):
        content += bytes([7] * (label_bytes - 1) + [label])
        for channel in image:
            for row in channel:
                content += row.tobytes()
    return content, pixels, labels


def cifar10_folder(root: Path) -> tuple[np.ndarray, np.ndarray]:
    root.mkdir(parents=True)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    made = [cifar_records(40, 10, 1, seed) for seed in range(6)]
    for name, (content, _, _) in zip(names, made, strict=True):
        (root / name).write_bytes(content)
    (root / "batches.meta.txt").write_text(
        "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
    )
    return np.concatenate([pixels for _, pixels, _ in made]), np.concatenate(
        [labels for _, _, labels in made]
    )


@pytest.mark.parametrize("inner", [".", "cifar-10-batches-bin"])
def test_cifar10_is_read_exactly_with_a_tenth_for_validation(inner: str, tmp_path: Path) -> None:
    images, labels = cifar10_folder(tmp_path / "data" / inner)
    data = load_data(f"cifar10:{tmp_path / 'data'}")
    assert data.class_names[3] == "cat"
    assert data.input_shape == (3, 32, 32)
    assert [len(getattr(data, part)) for part in PARTS] == [180, 20, 40]
    assert Counter(data.validation.labels.tolist()) == dict.fromkeys(range(10), 2)
    assert data.rows is not None
    assert data.rows.test.tolist() == list(range(200, 240))
    for part in PARTS:
        rows = getattr(data.rows, part)
        assert np.array_equal(getattr(data, part).inputs.numpy(), images[rows])
        assert np.array_equal(getattr(data, part).labels.numpy(), labels[rows])
    means = images[data.rows.train].astype(float).mean(axis=(0, 2, 3))
    assert data.mean == pytest.approx(tuple(means))


def test_cifar100_has_fine_labels(tmp_path: Path) -> None:
    contents = [cifar_records(count, 100, 2, count) for count in (300, 100)]
    (tmp_path / "train.bin").write_bytes(contents[0][0])
    (tmp_path / "test.bin").write_bytes(contents[1][0])
    (tmp_path / "fine_label_names.txt").write_text("".join(f"fine{number}\n" for number in range(100)))
    data = load_data(f"cifar100:{tmp_path},validation=100")
    assert data.class_names[99] == "fine99"
    assert [len(getattr(data, part)) for part in PARTS] == [200, 100, 100]
    assert np.array_equal(data.test.inputs.numpy(), contents[1][1])
    assert np.array_equal(data.test.labels.numpy(), contents[1][2])


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("cifar10", "data_batch_1"),
        ("cifar10", "cifar-10-batches-py/x"),
        ("cifar100", "train"),
        ("cifar100", "cifar-100-python/x"),
    ],
)
def test_pickled_cifar_is_refused_with_the_reason_and_where_the_binary_version_is(
    kind: str, file: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"\x80\x04.")
    with pytest.raises(InputError) as caught:
        load_data(f"{kind}:{tmp_path}")
    assert "holds the Python version, which is pickled: reading a pickle can run code" in str(caught.value)
    assert "-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html" in str(caught.value)


def test_damaged_cifar_files_are_refused_by_name(tmp_path: Path) -> None:
    cifar10_folder(tmp_path / "c")
    path = tmp_path / "c/data_batch_3.bin"
    content = path.read_bytes()
    for damaged, said in (
        (
            content[:-1],
            "data_batch_3.bin: is truncated or no cifar10 file: 122,919 bytes are no whole number of "
            "3073-byte records",
        ),
        (b"", "data_batch_3.bin: is truncated"),
        (b"\x0a" + content[1:], "data_batch_3.bin: example 0 has the label 10, but labels are 0 to 9"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError) as caught:
            load_data(f"cifar10:{tmp_path / 'c'}")
        assert said in str(caught.value)
    path.unlink()
    with pytest.raises(InputError, match=r"data_batch_3\.bin: cannot be read"):
        load_data(f"cifar10:{tmp_path / 'c'}")


# --- from scikit-learn's


def test_digit_sequences_are_the_rows_of_digits_with_the_same_splits_and_fit_the_transformer_fabric() -> None:
    images, sequences = load_data("digits"), load_data("digit-sequences")
    assert sequences.input_shape == (8, 8)
    for part in PARTS:
        assert torch.equal(getattr(sequences, part).inputs, getattr(images, part).inputs[:, 0])
        assert torch.equal(getattr(sequences, part).labels, getattr(images, part).labels)
    from bsngraph.fabric.families import transformer_fabric

    fabric = transformer_fabric(input_shape=sequences.input_shape, classes=10, blocks=1, features=8, heads=2)
    inputs, _ = next(sequences.evaluation_batches(sequences.test, 4))
    assert bsngraph.compile_fabric(fabric, seed=0).eval()(inputs).shape == (4, 10)
    assert inputs.mean().abs() < 0.2


def test_diabetes_is_a_regression_with_scikit_learns_values() -> None:
    data, bunch = load_data("diabetes"), datasets.load_diabetes(scaled=False)
    assert data.task == "regression"
    assert data.class_names == ("progression",)
    assert data.input_shape == (10,)
    assert data.rows is not None
    for part in PARTS:
        rows = getattr(data.rows, part)
        assert np.allclose(getattr(data, part).inputs.numpy(), bunch.data[rows])
        assert getattr(data, part).labels.tolist() == bunch.target[rows][:, None].tolist()
        assert getattr(data, part).labels.dtype == torch.float32
    normalised = data.normalised(data.train.inputs)
    torch.testing.assert_close(normalised.mean(0), torch.zeros(10), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised.std(0, correction=0), torch.ones(10), atol=1e-5, rtol=0)


# --- digit-scenes


def test_digit_scenes_golden_batch() -> None:
    """Neither the scenes nor their order may change silently: results rest on them."""
    data = load_data("digit-scenes")
    assert [len(getattr(data, part)) for part in PARTS] == [1000, 200, 300]
    assert data.task == "segmentation"
    assert data.ignore_label is None
    assert data.class_names == ("background", *"0123456789")
    inputs, labels = next(data.training_batches(64, torch.Generator().manual_seed(0), augment=False))
    assert (inputs.shape, labels.shape) == ((64, 1, 32, 32), (64, 32, 32))
    raw = (inputs * data.std[0] + data.mean[0]).round().to(torch.uint8)
    digest = hashlib.sha256(raw.numpy().tobytes() + labels.to(torch.uint8).numpy().tobytes()).hexdigest()
    assert digest[:16] == "a792c0be860e0959"


def test_digit_scenes_hold_whole_digits_of_their_own_split_that_do_not_overlap() -> None:
    """Each scene is taken apart again: every labelled pixel belongs to a digit of the
    split, found with all its ink in place.
    """
    data, digits = load_data("digit-scenes,train=12,validation=12,test=12"), load_data("digits")
    seen: dict[str, set[bytes]] = {}
    for part in PARTS:
        source = getattr(digits, part)
        inks = (source.inputs[:, 0].numpy().astype(int) * 255 // 16).astype(np.uint8)
        seen[part] = {ink.tobytes() for ink in inks}
        for image, labels in zip(
            getattr(data, part).inputs[:, 0].numpy(), getattr(data, part).labels.numpy(), strict=True
        ):
            assert np.array_equal(labels > 0, image > 0)
            left, found = image.copy(), 0
            for row in range(25):
                for column in range(25):
                    window = image[row : row + 8, column : column + 8]
                    label_window = labels[row : row + 8, column : column + 8]
                    if not (window.any() and window.tobytes() in seen[part]):
                        continue
                    index = next(i for i, ink in enumerate(inks) if ink.tobytes() == window.tobytes())
                    assert set(label_window[window > 0].tolist()) == {int(source.labels[index]) + 1}
                    left[row : row + 8, column : column + 8] = 0
                    found += 1
            assert not left.any()
            assert 2 <= found <= 5
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]


def test_digit_scenes_follow_from_the_split_seed_and_take_other_sizes() -> None:
    name = "digit-scenes,size=24x48,train=20,validation=4,test=4"
    first, again, other = load_data(name), load_data(name), load_data(name, split_seed=1)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert first.input_shape == (1, 24, 48)
    assert first.train.labels.shape == (20, 24, 48)
    with pytest.raises(InputError, match="size=8x8 must have room for two digits"):
        load_data("digit-scenes,size=8")


def test_digit_scenes_fit_the_segmenting_fabric() -> None:
    from bsngraph.fabric.families import cnf_fabric

    data = load_data("digit-scenes,train=4,validation=2,test=2")
    fabric = cnf_fabric(
        input_shape=data.input_shape, classes=len(data.class_names), layers=2, channels=4, task="segmentation"
    )
    inputs, labels = next(data.training_batches(4, torch.Generator().manual_seed(0), augment=True))
    scores = bsngraph.compile_fabric(fabric, seed=0).eval()(inputs)
    assert scores.shape == (4, 11, 32, 32)
    assert torch.isfinite(torch.nn.functional.cross_entropy(scores, labels))


# --- names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnist", "data set 'mnist' needs a DIR: write --data mnist:DIR"),
        ("mnist:", "data set 'mnist' needs a DIR"),
        ("digits,size=4", "data set 'digits' has no option 'size': none is known"),
        ("digit-scenes,sise=4", "has no option 'sise': did you mean 'size'?"),
        ("digit-scenes,size=4,size=5", "size is given twice"),
        ("digit-scenes,size=big", "size=big must read 32, or 24x32 for height and width"),
        ("digit-scenes,train=0", "train=0 must be a whole number, 1 or more"),
        ("digit-scenes,train=", "train= must be a whole number"),
        ("fashion_mnist", "there is no data set 'fashion_mnist': did you mean 'fashion-mnist'?"),
        (
            "code:my.py:data",
            "comes from code, which nothing runs by itself: name it again, --data-code my.py:data",
        ),
    ],
)
def test_names_that_say_nothing_known_are_refused(name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_data(name)
    assert said in str(caught.value)


def test_size_that_does_not_divide_is_refused(tmp_path: Path) -> None:
    mnist_folder(tmp_path)
    with pytest.raises(InputError, match="size=3x3 must divide 4x4"):
        load_data(f"mnist:{tmp_path},size=3")


REAL = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.skipif(not REAL.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_real_fashion_mnist_is_read() -> None:
    data = load_data("fashion-mnist,size=14,train=1000")
    assert data.input_shape == (1, 14, 14)
    assert [len(getattr(data, part)) for part in PARTS] == [1000, 10000, 10000]
    assert set(Counter(data.test.labels.tolist()).values()) == {1000}
    assert data.class_names[int(data.test.labels[0])] == "ankle boot"


@given(
    st.sampled_from([kind for kind, source in DATA_SOURCES.items() if source.argument and kind != "hf"]),
    st.text(max_size=12),
    st.lists(
        st.tuples(
            st.sampled_from(["size", "train", "bad", "workers", "label", "memory"]), st.text(max_size=6)
        ),
        max_size=2,
    ),
)
def test_any_name_of_nothing_is_refused_with_a_message(
    kind: str, argument: str, options: list[tuple[str, str]]
) -> None:
    with pytest.raises(InputError):
        load_data(f"{kind}:/nowhere/{argument}" + "".join(f",{name}={value}" for name, value in options))


@pytest.mark.parametrize("argument", ["\0", "a" * 5000, "~no-such-user-anywhere/x", "a\nb", "\udcff"])
@pytest.mark.parametrize("kind", ["mnist", "cifar10", "folder", "npz", "csv"])
def test_strange_paths_are_refused_with_a_message(kind: str, argument: str) -> None:
    with pytest.raises(InputError):
        load_data(f"{kind}:{argument}")
