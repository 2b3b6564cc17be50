"""Data from strangers: every file is looked at before it is read, what is read has a
limit that is named, and work grows with the size of the file.
"""

from __future__ import annotations

import gzip
import io
import os
import signal
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from image_folders import class_folder, mask_folder

from bsngraph.cli.main import cli
from bsngraph.data import load_data
from bsngraph.data.matching_names import with_features
from bsngraph.data.request import Request
from bsngraph.errors import InputError

DIGITS = "9" * 5000


@pytest.fixture(autouse=True)
def _seconds() -> Iterator[None]:
    """Reading for ever ends the test after 20 seconds."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError("it is still reading")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def refusal(name: str, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        load_data(name, **more)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return str(caught.value)


# --- pipes, devices and folders in the place of files


def mnist(root: Path) -> str:
    for part, count in (("train", 24), ("t10k", 6)):
        images, labels = np.zeros((count, 4, 4), dtype=np.uint8), np.arange(count, dtype=np.uint8) % 3
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            (root / f"{part}-{kind}-ubyte").write_bytes(header + values.tobytes())
    return f"mnist:{root}"


def cifar(root: Path) -> str:
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        records = np.zeros((20, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(20) % 10
        (root / name).write_bytes(records.tobytes())
    (root / "batches.meta.txt").write_text("\n".join(f"class {number}" for number in range(10)))
    return f"cifar10:{root}"


def masks(root: Path) -> str:
    mask_folder(root, 6)
    (root / "classes.txt").write_text("a\nb\nc\n")
    return f"folder:{root}"


def arrays(root: Path) -> str:
    np.savez(root / "a.npz", x_train=np.eye(12), y_train=np.arange(12) % 2)
    return f"npz:{root / 'a.npz'}"


def table(root: Path) -> str:
    (root / "t.csv").write_text("a,b\n" + "".join(f"{number},{number % 2}\n" for number in range(12)))
    return f"csv:{root / 't.csv'}"


def hub(root: Path) -> str:
    datasets = pytest.importorskip("datasets")
    buffer = io.BytesIO()
    from PIL import Image

    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(buffer, format="PNG")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    rows = {
        "image": [{"bytes": buffer.getvalue(), "path": None}] * 12,
        "label": [number % 2 for number in range(12)],
    }
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(root / "d")
    return f"hf:{root / 'd'}"


SOURCES: list[tuple[Callable[[Path], str], str]] = [
    (mnist, "train-images-idx3-ubyte"),
    (mnist, "t10k-labels-idx1-ubyte"),
    (cifar, "data_batch_1.bin"),
    (cifar, "data_batch_4.bin"),
    (cifar, "test_batch.bin"),
    (cifar, "batches.meta.txt"),
    (masks, "classes.txt"),
    (masks, "images/003.png"),
    (masks, "masks/003.png"),
    (arrays, "a.npz"),
    (table, "t.csv"),
    (hub, "d/state.json"),
    (hub, "d/dataset_info.json"),
]


@pytest.mark.parametrize(("make", "file"), SOURCES, ids=[name for _, name in SOURCES])
def test_a_pipe_a_device_or_a_folder_in_the_place_of_a_file_is_refused(
    make: Callable[[Path], str], file: str, tmp_path: Path
) -> None:
    name, path = make(tmp_path), tmp_path / file
    assert load_data(name).class_names
    path.unlink()
    os.mkfifo(path)
    said = refusal(name)
    assert f"{path}: cannot be read" in said
    assert "pipe" in said
    path.unlink()
    path.symlink_to("/dev/zero")
    said = refusal(name)
    assert f"{path}: cannot be read" in said
    assert "device" in said or "pipe" in said
    path.unlink()
    path.mkdir()
    if make is not hub:
        assert f"{path}: " in refusal(name)


@pytest.mark.parametrize("name", ["folder", "mnist", "cifar10", "npz", "csv", "hf"])
def test_a_pipe_or_a_device_in_the_place_of_a_data_set_is_refused(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert str(path) in refusal(f"{name}:{path}")


# --- archives


def header(shape: str, kind: str = "<f8") -> bytes:
    """The beginning of a .npy file that declares any shape."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path: Path, **contents: bytes) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(f"{name}.npy", content)
    return f"npz:{path}"


def test_an_archive_that_unpacks_to_gigabytes_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("x_train.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(header("(3000000, 1)", "|u1"))
        for _ in range(3):
            entry.write(bytes(1_000_000))
    size = 3_000_000 + len(header("(3000000, 1)", "|u1"))
    assert path.stat().st_size < 20_000
    said = refusal(f"npz:{path},memory=1MB")
    assert (
        f"a.npz: its arrays take {size:,} bytes, more than 1,000,000: if that is right, say memory=1GB"
        in said
    )
    assert "there is no y_train" in refusal(f"npz:{path}")
    content = path.read_bytes()  # the same archive, whose directory says 3 GB
    patched = content.replace(struct.pack("<I", size), struct.pack("<I", 3_000_000_000))
    path.write_bytes(patched)
    assert (
        "its arrays take 3,000,000,000 bytes, more than 2,000,000,000: if that is right, say memory=3GB"
        in (refusal(f"npz:{path}"))
    )


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (header("(1000000000000, 3)"), header("(4,)", "<i8") + bytes(32)),
        (header("(400000000, 1)") + bytes(800), header("(4,)", "<i8") + bytes(32)),
        (header("(4294967296, 4294967296)"), header("(4,)", "<i8") + bytes(32)),
        (header("(1000000000, 0)"), header("(1000000000, 0)", "<i8")),
        (header("(1000000000, 1)", "<U0"), header("(1000000000,)", "<U0")),
        (header("(4, 3)") + bytes(96), header("(1000000000,)", "<U0")),
        (header("(-4, 3)") + bytes(96), header("(4,)", "<i8") + bytes(32)),
        (header(f"({DIGITS}, 3)") + bytes(96), header("(4,)", "<i8") + bytes(32)),
        (header("(" * 900 + ")" * 900) + bytes(96), header("(4,)", "<i8") + bytes(32)),
        (header("(4, 3)") + bytes(200), header("(4,)", "<i8") + bytes(32)),
        (header("(4, 3)")[:20], header("(4,)", "<i8") + bytes(32)),
        (b"PK\x05\x06" + bytes(18), header("(4,)", "<i8") + bytes(32)),
    ],
)
def test_declared_shapes_are_not_believed(x: bytes, y: bytes, tmp_path: Path) -> None:
    before = time.process_time()
    said = refusal(archive(tmp_path / "a.npz", x_train=x, y_train=y))
    assert time.process_time() - before < 2
    assert "a.npz" in said
    assert len(said) < 6000


def test_names_of_classes_are_counted_before_they_are_read(tmp_path: Path) -> None:
    given = {
        "x_train": header("(4, 3)") + bytes(96),
        "y_train": header("(4,)", "<i8") + bytes(32),
        "class_names": header("(200000,)", "|S1") + bytes(200_000),
    }
    assert "class_names are 200,000, more than 100,000" in refusal(archive(tmp_path / "a.npz", **given))
    given["class_names"] = header("(1000000000,)", "<U0")
    assert "cannot be read" in refusal(archive(tmp_path / "a.npz", **given))
    given["class_names"] = header("(0,)", "<U1")
    assert "labels are 0 to -1" in refusal(archive(tmp_path / "a.npz", **given))


def test_an_array_that_stands_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.eye(4), y_train=np.arange(4))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("x_train.npy", header("(4, 4)") + bytes(128))
    assert "holds 'x_train' twice" in refusal(f"npz:{tmp_path / 'a.npz'}")


def test_every_order_and_type_of_an_array_is_read_as_numpy_reads_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(20, 3, 4))
    labels = np.arange(20) % 2
    for kind in ("<f8", ">f4", "<f2"):
        for order in ("C", "F"):
            np.savez(tmp_path / "a.npz", x_train=np.asarray(values.astype(kind), order=order), y_train=labels)
            data = load_data(f"npz:{tmp_path / 'a.npz'}")
            with np.load(tmp_path / "a.npz") as file:
                expected = file["x_train"].astype(np.float32)
            assert data.rows is not None
            assert np.array_equal(data.train.inputs.numpy(), expected[data.rows.train])


def test_a_packed_idx_file_that_says_gigabytes_is_refused_with_the_limit(tmp_path: Path) -> None:
    name = mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(bytes([0, 0, 8, 3]) + struct.pack(">3I", 3_000_000, 28, 28) + bytes(10_000))
    assert "its header says 3000000x28x28 values: from 1 to 1,000,000,000 can be read" in refusal(name)


def test_files_that_are_larger_than_any_of_their_kind_are_refused_with_the_limit(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    name = cifar(tmp_path / "c")
    with (tmp_path / "c/data_batch_2.bin").open("wb") as file:
        file.truncate(3073 * 200_001)
    assert "data_batch_2.bin: is larger than 586 MiB, 200,000 records, which no CIFAR file has" in refusal(
        name
    )
    name = table(tmp_path)
    with (tmp_path / "t.csv").open("ab") as file:
        file.truncate(2**28 + 1)
    assert "t.csv: is larger than 256 MiB, too much for a table" in refusal(name)
    name = masks(tmp_path / "m")
    (tmp_path / "m/classes.txt").write_text("a\n" * 2**20)
    assert "classes.txt: is larger than 1 MiB" in refusal(name)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_an_infinite_number_of_any_type_is_refused(kind: str, tmp_path: Path) -> None:
    values = np.ones((12, 2), dtype=kind)
    values[3, 1] = np.inf
    np.savez(tmp_path / "a.npz", x_train=values, y_train=np.arange(12) % 2)
    assert "x_train: row 3, column 1 holds inf, which is not a finite number" in refusal(
        f"npz:{tmp_path / 'a.npz'}"
    )


# --- tables with many columns


def test_a_table_with_many_columns_takes_time_by_its_size(tmp_path: Path) -> None:
    def seconds(columns: int) -> float:
        names = [f"c{number}" for number in range(columns)]
        line = ",".join(["1.5"] * (columns - 1))
        text = "\n".join([",".join(names), *(f"{line},{number % 2}" for number in range(6))])
        (tmp_path / "t.csv").write_text(text)
        before = time.process_time()
        data = load_data(f"csv:{tmp_path / 't.csv'}")
        assert data.input_shape == (columns - 1,)
        assert data.feature_names is not None
        found = with_features(data, tuple(reversed(data.feature_names)))
        assert found.feature_names == tuple(reversed(names[:-1]))
        return time.process_time() - before

    few = seconds(4_000)
    assert seconds(40_000) < 25 * few  # ten times as many; were it quadratic, 100 times as long


# --- long numbers


@pytest.mark.parametrize(
    "name",
    [
        f"digit-scenes,size={DIGITS}",
        f"digit-scenes,size=32x{DIGITS}",
        f"digit-scenes,train={DIGITS}",
        f"fashion-mnist:/nowhere,size={DIGITS}",
        "folder:{root},size=" + DIGITS,
        "folder:{root},memory=" + DIGITS,
        "folder:{root},workers=" + DIGITS,
        "folder:{root},validation=" + DIGITS,
        "npz:{root}/a.npz,memory=" + DIGITS,
        "npz:{root}/a.npz,test=" + DIGITS,
        "csv:{root}/t.csv,train=" + DIGITS,
    ],
)
def test_numbers_of_5000_digits_are_refused(name: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    arrays(tmp_path)
    table(tmp_path)
    result = CliRunner().invoke(cli, ["data", name.format(root=tmp_path)])
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)


def test_entries_of_5000_digits_are_read_or_refused(tmp_path: Path) -> None:
    lines = [f"{number},{number % 2}" for number in range(12)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines, f"{DIGITS},1"]))
    assert "line 14" in refusal(f"csv:{tmp_path / 't.csv'}")
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines, *[f"1,{DIGITS}"] * 3]))
    assert "line 14" in refusal(f"csv:{tmp_path / 't.csv'}")
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines, f"0.{DIGITS},1"]))
    assert load_data(f"csv:{tmp_path / 't.csv'}").input_shape == (1,)


def test_sizes_and_numbers_have_limits_of_their_own() -> None:
    def asked(**options: str) -> Any:
        return Request("x", "x", options=options)

    assert asked(size="32x4096").sizes("size") == (32, 4096)
    for size in ("4097", "1", "0x3", DIGITS, f"3x{DIGITS}", "٣٢"):
        with pytest.raises(InputError, match="must read 32"):
            asked(size=size).sizes("size")


def test_more_than_the_memory_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 2 * 512 * 512 * (99_000 + 200 + 300)
    assert (
        f"its scenes take {size:,} bytes, more than 2,000,000,000: ask for fewer or smaller ones"
        in refusal("digit-scenes,size=512,train=99000")
    )
    assert "more than 2,000,000,000" in refusal("digit-scenes,train=999999999")
    name = f"folder:{class_folder(tmp_path, {'cat': 4, 'dog': 4})}"
    assert "workers=999999999 must be 256 at most" in refusal(f"{name},memory=1,workers=999999999")

    def full(*given: object, **more: object) -> None:
        raise MemoryError("Unable to allocate 42.2 GiB")

    monkeypatch.setattr("bsngraph.data.reading.survey.np.empty", full)
    assert "does not fit into memory (Unable to allocate 42.2 GiB): ask for less" in refusal(name)


def test_more_processes_than_cores_draw_no_warning(tmp_path: Path) -> None:
    name = f"folder:{class_folder(tmp_path, {'cat': 4, 'dog': 4})},memory=1,workers="
    many = (os.cpu_count() or 1) + 1
    assert load_data(f"{name}{many}").splits_record() == load_data(f"{name}0").splits_record()
