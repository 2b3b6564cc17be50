"""`folder:DIR`: its three forms, what can be wrong with images and folders, and
streaming, which gives what memory gives.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from image_folders import class_folder, mask_folder, random_image, save, split_folder
from PIL import Image
from tiny import STRIPES

from bsngraph.cli.main import cli
from bsngraph.data import Augmentation, Dataset, load_data
from bsngraph.data.reading.streaming import StreamedSplit
from bsngraph.data.splits import PARTS
from bsngraph.errors import InputError


def refusal(name: str, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        load_data(name, **more)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return str(caught.value)


def pixels(path: Path) -> np.ndarray:
    array = np.asarray(Image.open(path))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


# --- forms


def test_class_folders_are_classes_in_alphabetical_order_and_every_image_is_in_one_split(
    tmp_path: Path,
) -> None:
    class_folder(tmp_path, {"dog": 10, "cat": 20, "eel": 5})
    data = load_data(f"folder:{tmp_path}")
    assert data.class_names == ("cat", "dog", "eel")
    assert data.input_shape == (3, 6, 5)
    assert data.task == "classification"
    assert [len(getattr(data, part)) for part in PARTS] == [22, 6, 7]
    files = sorted(tmp_path.glob("*/*.png"))
    assert data.rows is not None
    for part in PARTS:
        split = getattr(data, part)
        for image, label, row in zip(split.inputs, split.labels, getattr(data.rows, part), strict=True):
            assert np.array_equal(image.numpy(), pixels(files[row]))
            assert data.class_names[int(label)] == files[row].parent.name
        assert set(split.labels.tolist()) == {0, 1, 2}


def test_train_val_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    data = load_data(f"folder:{split_folder(tmp_path)}")
    assert data.class_names == ("cat", "dog")
    assert [len(getattr(data, part)) for part in PARTS] == [13, 7, 9]
    files = sorted((tmp_path / "test").glob("*/*.png"))
    assert [image.numpy().tolist() for image in data.test.inputs] == [pixels(file).tolist() for file in files]
    assert data.test.labels.tolist() == [0] * 4 + [1] * 5


def test_without_val_a_fifth_of_train_is_for_validation(tmp_path: Path) -> None:
    class_folder(tmp_path / "train", {"cat": 10, "dog": 10})
    class_folder(tmp_path / "test", {"cat": 2, "dog": 3}, seed=9)
    data = load_data(f"folder:{tmp_path}")
    assert [len(getattr(data, part)) for part in PARTS] == [16, 4, 5]
    assert Counter(data.validation.labels.tolist()) == {0: 2, 1: 2}


def test_images_and_masks_are_pairs_of_a_segmentation(tmp_path: Path) -> None:
    data = load_data(f"folder:{mask_folder(tmp_path)}")
    assert data.task == "segmentation"
    assert data.ignore_label == 255
    assert data.class_names == ("0", "1", "2")
    assert data.input_shape == (3, 6, 5)
    assert [len(getattr(data, part)) for part in PARTS] == [6, 2, 2]
    for part in PARTS:
        split = getattr(data, part)
        assert split.labels.dtype == torch.uint8
        expected = (split.inputs[:, 0].int() * 3 // 256).to(torch.uint8)
        expected[:, 0, 0] = 255
        assert torch.equal(split.labels, expected)


def test_masks_may_have_splits_names_palettes_and_other_suffixes(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "val", "test")):
        mask_folder(tmp_path / part, 4, seed=10 * seed)
    (tmp_path / "classes.txt").write_text("sky\nsea\nland\nice\n")
    mask = tmp_path / "train/masks/000.png"
    palette = Image.fromarray(np.asarray(Image.open(mask)))
    palette.putpalette([number * 7 % 256 for number in range(768)])
    assert palette.mode == "P"
    palette.save(mask.with_suffix(".bmp"))
    before = np.asarray(Image.open(mask))
    mask.unlink()
    data = load_data(f"folder:{tmp_path}")
    assert data.class_names == ("sky", "sea", "land", "ice")
    assert [len(getattr(data, part)) for part in PARTS] == [4, 4, 4]
    assert np.array_equal(data.train.labels[0].numpy(), before)


def test_binary_masks_have_background_and_foreground(tmp_path: Path) -> None:
    mask_folder(tmp_path, 6)
    for path in (tmp_path / "masks").iterdir():
        save(path, np.where(np.asarray(Image.open(path)) == 1, 255, 0).astype(np.uint8))
    assert "the masks hold only 0, and 255, which marks ignored pixels: say binary=yes" in refusal(
        f"folder:{tmp_path}"
    )
    data = load_data(f"folder:{tmp_path},binary=yes")
    assert data.class_names == ("background", "foreground")
    assert set(data.train.labels.unique().tolist()) == {0, 1}


def test_masks_with_gaps_between_their_labels_are_refused_unless_the_name_says_how_many_there_are(
    tmp_path: Path,
) -> None:
    mask_folder(tmp_path, 6)
    for path in (tmp_path / "masks").iterdir():
        save(path, np.asarray(Image.open(path)) % 255 * 2)
    said = refusal(f"folder:{tmp_path}")
    assert (
        "the masks have the label 4 but never 1: number classes from 0 without gaps, say classes=5, or "
        "binary=yes" in said
    )
    assert load_data(f"folder:{tmp_path},classes=5").class_names == tuple("01234")


def test_images_of_other_sizes_and_channels_are_converted_where_the_name_says_so(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    save(tmp_path / "cat/wide.png", random_image(1, 6, 30))
    save(tmp_path / "dog/grey.png", random_image(2, 6, 5, 1))
    data = load_data(f"folder:{tmp_path},size=4x8,channels=1")
    assert data.input_shape == (1, 4, 8)
    grey = np.asarray(
        Image.open(tmp_path / "cat/000.png").convert("L").resize((8, 4), Image.Resampling.BILINEAR)
    )
    assert data.rows is not None
    everything = {
        int(row): image
        for part in PARTS
        for row, image in zip(getattr(data.rows, part), getattr(data, part).inputs, strict=True)
    }
    assert np.array_equal(everything[0][0].numpy(), grey)


def test_masks_are_resized_with_their_images_to_the_nearest_label(tmp_path: Path) -> None:
    data = load_data(f"folder:{mask_folder(tmp_path)},size=12x10")
    small = load_data(f"folder:{tmp_path}")
    assert torch.equal(data.train.labels, small.train.labels.repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_photographs_are_turned_as_their_exif_says(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 3, "dog": 3})
    image = Image.fromarray(random_image(5, 5, 6))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    image.save(tmp_path / "cat/turned.png", exif=exif)
    data = load_data(f"folder:{tmp_path}")
    turned = image.transpose(Image.Transpose.ROTATE_270)
    found = [one for part in PARTS for one in getattr(data, part).inputs]
    assert any(np.array_equal(one.numpy(), np.asarray(turned).transpose(2, 0, 1)) for one in found)


def test_hidden_files_are_not_looked_at(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / ".git").mkdir()
    (tmp_path / "cat/.DS_Store").write_bytes(b"x")
    (tmp_path / "README").write_text("mine")
    assert load_data(f"folder:{tmp_path}").class_names == ("cat", "dog")


# --- bad images


def png(width: int, height: int) -> bytes:
    """A PNG file whose header says any size, with nothing in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def animated(path: Path) -> None:
    frames = [Image.fromarray(random_image(seed)) for seed in range(3)]
    path.unlink()
    frames[0].save(path.with_suffix(".gif"), save_all=True, append_images=frames[1:])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "corrupt": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\nnonsense"), "cannot be read as an image: "),
    "no image": (
        lambda path: path.write_bytes(b"hello"),
        "cannot be read as an image: its format is unknown",
    ),
    "empty": (
        lambda path: path.write_bytes(b""),
        "cannot be read as an image: its format is unknown",
    ),
    "truncated": (truncated, "cannot be read as an image: "),
    "postscript": (
        lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "its format is unknown",
    ),
    "16 bits": (
        lambda path: save(path, random_image(1, channels=1).astype(np.uint16) * 256),
        "has values of another type than 8 bits",
    ),
    "one pixel": (
        lambda path: save(path, random_image(1, 1, 1)),
        "has 1x1 pixels: an image has at least 2x2",
    ),
    "bomb": (lambda path: path.write_bytes(png(60_000, 60_000)), "as decompression bombs do"),
    "smaller bomb": (
        lambda path: path.write_bytes(png(8_000, 8_000)),
        "has 8000x8000 pixels, more than 50,000,000, as decompression bombs do",
    ),
    "larger bomb": (lambda path: path.write_bytes(png(10_000, 10_000)), "as decompression bombs do"),
    "animated": (animated, "holds 3 frames: an example is one image"),
    "no image file": (
        lambda path: path.rename(path.with_suffix(".txt")),
        "is not an image file: known are .bmp",
    ),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "is a folder among images"),
    "gone": (
        lambda path: (path.unlink(), path.symlink_to("nowhere.png")),
        "cannot be read as a file (a broken link, a pipe)",
    ),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "cannot be read as a file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_image_is_an_error_that_names_it_or_is_skipped_with_a_warning(kind: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 6, "dog": 6})
    spoil, reason = BAD[kind]
    spoil(tmp_path / "dog/003.png")
    said = refusal(f"folder:{tmp_path}")
    assert said.startswith(
        f"folder:{tmp_path}: 1 of 12 examples cannot be used (--skip-bad leaves them out):\n"
    )
    assert str(tmp_path / "dog/003") in said
    assert reason in said
    told: list[str] = []
    data = load_data(f"folder:{tmp_path}", skip_bad=True, notify=told.append)
    assert sum(len(getattr(data, part)) for part in PARTS) == 11
    assert len(told) == 1
    assert "1 of 12 examples skipped" in told[0]
    assert str(tmp_path / "dog/003") in told[0]
    assert len(data.skipped) == 1
    assert data.name == f"folder:{tmp_path},bad=skip"
    assert load_data(data.name).fingerprint() == data.fingerprint()


def test_all_bad_images_are_counted_and_the_first_five_named(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 12, "dog": 6})
    for number in range(7):
        (tmp_path / f"cat/{number:03}.png").write_bytes(b"")
    said = refusal(f"folder:{tmp_path}")
    assert "7 of 18 examples cannot be used" in said
    assert said.count("cannot be read as an image") == 5
    assert said.endswith("… and 2 more")


def test_folder_without_a_usable_image_is_refused(tmp_path: Path) -> None:
    for path in class_folder(tmp_path, {"cat": 2, "dog": 2}).glob("*/*"):
        path.write_bytes(b"")
    assert "no example can be used; the first: " in refusal(f"folder:{tmp_path}", skip_bad=True)


def test_name_that_is_not_utf8_is_refused_and_shown(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 3, "dog": 4})
    os.rename(tmp_path / "dog/000.png", os.path.join(os.fsencode(tmp_path / "dog"), b"\xff.png"))
    assert f"{tmp_path}/dog/\\xff.png: its name is not UTF-8: rename it" in refusal(f"folder:{tmp_path}")
    assert len(load_data(f"folder:{tmp_path}", skip_bad=True).skipped) == 1
    os.rename(os.path.join(os.fsencode(tmp_path / "dog"), b"\xff.png"), tmp_path / "dog/000.png")
    os.rename(class_folder(tmp_path / "eel", {"x": 3}) / "x", os.path.join(os.fsencode(tmp_path), b"e\xe9l"))
    (tmp_path / "eel").rmdir()
    assert f"{tmp_path}/e\\xe9l: its name is not UTF-8" in refusal(f"folder:{tmp_path}")
    assert load_data(f"folder:{tmp_path}", skip_bad=True).class_names == ("cat", "dog")


# --- bad folders


@pytest.mark.parametrize(
    ("count", "amount"), [(0, "has 0 usable images"), (1, "has 1 usable image"), (2, "has 2 usable images")]
)
def test_class_with_too_few_images_is_refused_or_skipped(count: int, amount: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 5, "dog": 4, "eel": count})
    (tmp_path / "eel").mkdir(exist_ok=True)
    assert f"class 'eel' {amount}, but needs 3 to train on, to choose with and to test" in refusal(
        f"folder:{tmp_path}"
    )
    told: list[str] = []
    data = load_data(f"folder:{tmp_path}", skip_bad=True, notify=told.append)
    assert data.class_names == ("cat", "dog")
    assert "1 of 3 classes skipped" in told[0]
    assert len(data.skipped) == 1
    assert "class 'eel'" in data.skipped[0]
    assert sum(len(getattr(data, part)) for part in PARTS) == 9


def test_class_that_only_the_test_has_and_empty_splits_are_refused(tmp_path: Path) -> None:
    split_folder(tmp_path)
    class_folder(tmp_path / "test", {"eel": 2}, seed=77)
    assert f"{tmp_path}/test/eel: there is no class of that name in {tmp_path}/train" in refusal(
        f"folder:{tmp_path}"
    )
    for path in [*(tmp_path / "test").glob("*/*")]:
        path.unlink()
    (tmp_path / "test/eel").rmdir()
    assert "the test split is empty: it needs at least one example" in refusal(f"folder:{tmp_path}")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "has 0 sub-folders. folder:DIR takes DIR/CLASS/*.png"),
        (lambda root: class_folder(root, {"cat": 5}), "has 1 sub-folder. folder:DIR takes"),
        (
            lambda root: class_folder(root / "test", {"cat": 5, "dog": 5}),
            "has test/ but no train/ with the images to train on",
        ),
        (
            lambda root: (
                class_folder(root, {"cat": 0, "dog": 0})
                and [(root / name).mkdir() for name in ("cat", "dog")]
            ),
            "there are no examples",
        ),
    ],
)
def test_folder_of_no_known_form_is_refused(
    make: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    make(tmp_path)
    assert said in refusal(f"folder:{tmp_path}")


def test_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root nothing is forbidden, so the refusal of the operating system is
    played.
    """
    class_folder(tmp_path, {"cat": 3, "dog": 3})
    real = os.scandir

    def scandir(path: object) -> object:
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    assert f"{tmp_path}/dog: cannot be read as a folder (Permission denied)" in refusal(f"folder:{tmp_path}")


def test_search_on_bad_images_ends_with_2_before_anything_is_written(tmp_path: Path) -> None:
    class_folder(tmp_path / "pets", {"cat": 3, "dog": 3})
    (tmp_path / "pets/dog/001.png").write_bytes(b"x")
    (tmp_path / "f.dot").write_text(STRIPES)
    arguments = [
        "search",
        f"{tmp_path}/f.dot",
        "--data",
        f"folder:{tmp_path}/pets",
        "--out",
        f"{tmp_path}/run",
    ]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "dog/001.png: cannot be read as an image" in result.stderr
    assert not (tmp_path / "run").exists()


def test_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "x: cannot be read as a folder (Not a directory)" in refusal(f"folder:{tmp_path}/x")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda root: save(root / "masks/003.png", np.full((6, 6), 1, dtype=np.uint8)),
            "003.png is 6x6, the image 6x5: a mask has a pixel",
        ),
        (
            lambda root: save(root / "masks/003.png", np.full((6, 5), 9, dtype=np.uint8)),
            "003.png has the label 9, but labels are 0 to 2, or 255",
        ),
        (lambda root: save(root / "masks/003.png", random_image(1)), "003.png is not a label map (mode RGB)"),
        (lambda root: (root / "masks/003.png").write_bytes(b""), "003.png cannot be read as an image"),
        (lambda root: (root / "masks/003.png").unlink(), "images/003.png: there is no file called 003 in"),
        (lambda root: (root / "images/003.png").unlink(), "masks/003.png: there is no file called 003 in"),
        (
            lambda root: save(root / "images/003.bmp", random_image(1)),
            "003.png: there is another file called 003",
        ),
    ],
)
def test_bad_mask_is_an_error_that_names_it_or_is_skipped(
    spoil: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    mask_folder(tmp_path)
    spoil(tmp_path)
    name = f"folder:{tmp_path},classes=3"
    assert said in refusal(name)
    data = load_data(name, skip_bad=True)
    assert len(data.skipped) == 1
    assert sum(len(getattr(data, part)) for part in PARTS) in (9, 10)


def test_class_names_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    mask_folder(tmp_path)
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert "classes=3, but" in refusal(f"folder:{tmp_path},classes=3")
    assert "has the label 2, but labels are 0 to 1" in refusal(f"folder:{tmp_path}")
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe")
    assert "classes.txt: cannot be read" in refusal(f"folder:{tmp_path}")


# --- streaming


def epochs(data: Dataset, seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    batches = list(data.training_batches(4, torch.Generator().manual_seed(seed), augment=True))
    return batches + list(data.evaluation_batches(data.test, 3))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("form", ["classes", "masks"])
def test_streamed_data_are_those_of_memory_whatever_the_number_of_workers(
    form: str, workers: int, tmp_path: Path
) -> None:
    class_folder(tmp_path, {"cat": 9, "dog": 12}) if form == "classes" else mask_folder(tmp_path, 20)
    how = Augmentation(shift=2, flip=True, cutout=2)
    memory = load_data(f"folder:{tmp_path}").with_augmentation(how)
    streamed = load_data(f"folder:{tmp_path},memory=1kB,workers={workers}").with_augmentation(how)
    assert isinstance(streamed.train, StreamedSplit)
    assert not isinstance(memory.train, StreamedSplit)
    assert streamed.input_shape == memory.input_shape
    assert streamed.class_names == memory.class_names
    assert streamed.mean == pytest.approx(memory.mean, rel=1e-12)
    assert streamed.std == pytest.approx(memory.std, rel=1e-9)
    assert (streamed.task, streamed.ignore_label) == (memory.task, memory.ignore_label)
    for part in PARTS:
        assert len(getattr(streamed, part)) == len(getattr(memory, part))
        counts = [
            getattr(data, part).label_counts(len(data.class_names)).tolist() for data in (streamed, memory)
        ]
        assert counts[0] == counts[1]
    before = torch.random.get_rng_state()
    found, expected = epochs(streamed, 3), epochs(memory, 3)
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator has other uses"
    assert len(found) == len(expected) > 2
    for (inputs, labels), (same_inputs, same_labels) in zip(found, expected, strict=True):
        torch.testing.assert_close(inputs, same_inputs, rtol=1e-5, atol=1e-5)
        assert torch.equal(labels, same_labels)


def test_streamed_data_know_themselves_again(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 6, "dog": 6})
    name = f"folder:{tmp_path},memory=1kB,workers=0"
    first = load_data(name).fingerprint()
    assert load_data(name).fingerprint() == first
    save(tmp_path / "dog/002.png", random_image(99))
    assert load_data(name).fingerprint() != first


def test_image_that_breaks_after_the_run_began_is_named(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 6, "dog": 6})
    for workers in (0, 1):
        data = load_data(f"folder:{tmp_path},memory=1kB,workers={workers}")
        path = tmp_path / "dog/002.png"
        content = path.read_bytes()
        path.write_bytes(b"")
        broken = next(part for part in PARTS if 8 in getattr(data.rows, part))  # the ninth file, dog/002.png
        with pytest.raises(
            InputError,
            match=r"dog/002\.png: cannot be read as an image.*; it could be read when the run began",
        ):
            list(data.evaluation_batches(getattr(data, broken), 4))
        path.write_bytes(content)


def test_bad_images_are_found_before_streaming_begins(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 6, "dog": 6})
    (tmp_path / "dog/002.png").write_bytes(b"")
    assert "1 of 12 examples cannot be used" in refusal(f"folder:{tmp_path},memory=1kB,workers=1")
    assert len(load_data(f"folder:{tmp_path},memory=1kB,workers=0,bad=skip").skipped) == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("memory=lots", "memory=lots must be an amount of memory, e.g. 500MB or 2GB"),
        ("workers=-1", "workers=-1 must be a whole number, 0 or more"),
        ("bad=maybe", "bad=maybe must be one of refuse, skip"),
        ("channels=2", "channels=2 must be one of 1, 3"),
        ("size=1", "size=1 must read 32"),
    ],
)
def test_options_that_say_nothing_are_refused(option: str, said: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    assert said in refusal(f"folder:{tmp_path},{option}")


def test_slow_reading_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bsngraph.data.request._METERED_SECONDS", -1.0)
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    told: list[str] = []
    load_data(f"folder:{tmp_path}", notify=told.append)
    assert told[2] == f"folder:{tmp_path}: reading: 2 of 8"
