"""Images and masks as cameras, phones and scanners write them: turned by EXIF, with
previews, in several frames; and folders whose images are not of one form.
"""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_folders import class_folder, mask_folder, random_image, save
from PIL import Image

from bsngraph.data import Dataset, load_data
from bsngraph.data.reading.images.image_file import read_image, read_mask
from bsngraph.data.reading.images.picture_rule import PictureRule
from bsngraph.data.splits import PARTS
from bsngraph.errors import InputError

ORIENTATION = 0x0112
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What a reader does with a file of each orientation to show it upright (EXIF 2.3,
4.6.4).
"""


def refusal(name: str, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        load_data(name, **more)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    return str(caught.value)


def reason(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path)
    return str(caught.value)


def saved_as(path: Path, pixels: np.ndarray, orientation: int, **more: Any) -> None:
    """An image file whose EXIF data say an orientation; 0 for none."""
    image = Image.fromarray(pixels)
    exif = image.getexif()
    if orientation:
        exif[ORIENTATION] = orientation
    image.save(path, exif=exif, **more)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    turn = TURNS[orientation or 1]
    return np.asarray(Image.fromarray(pixels) if turn is None else Image.fromarray(pixels).transpose(turn))


def turned_pairs(root: Path, image: int, mask: int, suffix: str = ".png", side: int = 5) -> None:
    """Five images of 6 x `side` pixels with masks of the same raw pixels, of these
    orientations; a pixel's class is its image's red value above 127.
    """
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(5):
        pixels = random_image(number, 6, side)
        saved_as(root / f"images/{number}.png", pixels, image)
        saved_as(root / f"masks/{number}{suffix}", (pixels[:, :, 0] > 127).astype(np.uint8), mask)


def every_pair(data: Dataset) -> Any:
    for part in PARTS:
        split = getattr(data, part)
        yield from zip(split.inputs.numpy(), split.labels.numpy(), strict=True)


# --- orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_images_and_masks_are_turned_as_their_own_exif_says(
    orientation: int, suffix: str, tmp_path: Path
) -> None:
    how = {"lossless": True} if suffix == ".webp" else {}
    pixels, plane = random_image(3), random_image(4, channels=1)
    saved_as(tmp_path / f"image{suffix}", pixels, orientation, **how)
    assert np.array_equal(
        read_image(tmp_path / f"image{suffix}"), upright(pixels, orientation).transpose(2, 0, 1)
    )
    if suffix != ".webp":  # it has no grey
        saved_as(tmp_path / f"mask{suffix}", plane, orientation)
        assert np.array_equal(read_mask(tmp_path / f"mask{suffix}"), upright(plane, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_image_and_mask_of_one_orientation_stay_together(
    orientation: int, suffix: str, tmp_path: Path
) -> None:
    turned_pairs(tmp_path, orientation, orientation, suffix)
    told: list[str] = []
    data = load_data(f"folder:{tmp_path}", notify=told.append)
    assert data.input_shape == ((3, 6, 5) if orientation < 5 else (3, 5, 6))
    for image, mask in every_pair(data):
        assert np.array_equal(mask, image[0] > 127)
    assert told == []


def test_any_two_orientations_meet_as_programs_show_them(tmp_path: Path) -> None:
    pixels, plane = random_image(1, 5, 5), random_image(2, 5, 5, 1)
    for image in range(9):
        saved_as(tmp_path / f"image{image}.png", pixels, image)
        saved_as(tmp_path / f"mask{image}.tif", plane, image)
    for image in range(9):
        for mask in range(9):
            found = PictureRule().pair(
                tmp_path / f"image{image}.png", tmp_path / f"mask{mask}.tif", "its mask"
            )
            assert np.array_equal(found.pixels, upright(pixels, image).transpose(2, 0, 1))
            assert np.array_equal(found.label, upright(plane, mask))
            assert bool(found.remark) == ((image or 1) != (mask or 1))


def test_a_mask_without_orientation_beside_a_turned_image_is_taken_as_it_is_shown_and_said(
    tmp_path: Path,
) -> None:
    turned_pairs(tmp_path, 3, 0)
    for number in range(5):  # masks as a tool draws them on the image as it is shown
        save(
            tmp_path / f"masks/{number}.png",
            (upright(random_image(number), 3)[:, :, 0] > 127).astype(np.uint8),
        )
    told: list[str] = []
    data = load_data(f"folder:{tmp_path}", notify=told.append)
    for image, mask in every_pair(data):
        assert np.array_equal(mask, image[0] > 127)
    assert len(told) == 1
    assert told[0].startswith(f"folder:{tmp_path}: look at 5 of 5 examples:\n  - {tmp_path}/images/0.png: ")
    assert (
        f"the image is turned by its EXIF orientation 3, its mask {tmp_path}/masks/0.png is not: each is "
        "taken as programs show it" in told[0]
    )
    assert told[0].count("\n") == 5


def test_a_turned_image_whose_mask_fits_its_unturned_pixels_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    turned_pairs(tmp_path, 6, 0)
    said = refusal(f"folder:{tmp_path}")
    assert f"{tmp_path}/images/0.png: its mask {tmp_path}/masks/0.png is 6x5, the image 5x6" in said
    assert f"(the image is turned by its EXIF orientation 6, its mask {tmp_path}/masks/0.png is not: " in said
    assert "turn both alike)" in said


def test_a_turned_mask_beside_an_upright_image_is_turned_and_said(tmp_path: Path) -> None:
    turned_pairs(tmp_path, 0, 4)
    told: list[str] = []
    data = load_data(f"folder:{tmp_path}", notify=told.append)
    for image, mask in every_pair(data):
        assert np.array_equal(mask, image[0, ::-1] > 127)
    assert (
        f"its mask {tmp_path}/masks/0.png is turned by its EXIF orientation 4, the image is not: each is "
        "taken as programs show it" in told[0]
    )


def test_turned_pairs_are_resized_and_streamed_alike(tmp_path: Path) -> None:
    turned_pairs(tmp_path, 6, 6)
    name = f"folder:{tmp_path},size=10x12"
    memory, streamed = load_data(name), load_data(f"{name},memory=1,workers=0")
    assert memory.splits_record() == streamed.splits_record()
    small = load_data(f"folder:{tmp_path}")
    for (_, large), (_, mask) in zip(every_pair(memory), every_pair(small), strict=True):
        assert np.array_equal(large, mask.repeat(2, 0).repeat(2, 1))


def test_a_mask_that_is_a_jpeg_is_said(tmp_path: Path) -> None:
    mask_folder(tmp_path, 6)
    path = tmp_path / "masks/002.png"
    Image.fromarray(np.ones((6, 5), dtype=np.uint8)).save(path.with_suffix(".jpg"))
    path.unlink()
    told: list[str] = []
    load_data(f"folder:{tmp_path},classes=3", notify=told.append)
    assert "look at 1 of 6 examples" in told[0]
    assert f"its mask {tmp_path}/masks/002.jpg is a JPEG, which blurs labels: save masks as PNG" in told[0]


# --- frames


def photograph(path: Path, *, preview_first: bool = False) -> np.ndarray:
    """A JPEG with a smaller preview behind it, as cameras write them (CIPA DC-007)."""
    picture = Image.fromarray(np.full((24, 32, 3), (200, 30, 30), dtype=np.uint8))
    preview = Image.fromarray(np.full((6, 8, 3), (30, 30, 200), dtype=np.uint8))
    picture.save(path, format="MPO", save_all=True, append_images=[preview], quality=95)
    with Image.open(path) as found:
        assert (found.format, found.n_frames) == ("MPO", 2)  # type: ignore[attr-defined]
        return np.asarray(found.convert("RGB")).transpose(2, 0, 1)


def test_a_jpeg_with_an_embedded_preview_is_one_picture(tmp_path: Path) -> None:
    expected = photograph(tmp_path / "a.jpg")
    assert expected.shape == (3, 24, 32)
    assert np.array_equal(read_image(tmp_path / "a.jpg"), expected)
    for name in ("cat", "dog"):
        for number in range(3):
            (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
            photograph(tmp_path / f"pets/{name}/{number}.jpg")
    assert load_data(f"folder:{tmp_path / 'pets'}").input_shape == (3, 24, 32)


def test_a_turned_jpeg_with_an_embedded_preview_is_turned(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((24, 32, 3), (200, 30, 30), dtype=np.uint8))
    exif = picture.getexif()
    exif[ORIENTATION] = 8
    picture.save(
        tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[picture.resize((8, 6))], exif=exif
    )
    assert read_image(tmp_path / "a.jpg").shape == (3, 32, 24)


def frames(count: int = 3) -> list[Image.Image]:
    return [Image.fromarray(random_image(number)) for number in range(count)]


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".gif", "an animated GIF"), (".png", "an animated PNG"), (".webp", "an animated WEBP")],
)
def test_an_animation_is_refused_by_name(suffix: str, kind: str, tmp_path: Path) -> None:
    first, *others = frames()
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=others)
    assert reason(tmp_path / f"a{suffix}") == (
        f"holds 3 frames: an example is one image, and this is {kind}: save the frame that is meant"
    )
    first.save(tmp_path / f"b{suffix}")
    assert read_image(tmp_path / f"b{suffix}").shape == (3, 6, 5)


def test_a_tiff_of_several_pages_is_refused_by_name(tmp_path: Path) -> None:
    first, *others = frames()
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    assert reason(tmp_path / "a.tif") == (
        "holds 3 frames: an example is one image, and this is a TIFF of several pages: save the frame that "
        "is meant"
    )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_tiff_with_smaller_copies_of_its_picture_is_one_picture(place: int, tmp_path: Path) -> None:
    """Tag 254, NewSubfileType: bit 0 marks a reduced-resolution version of another page
    (TIFF 6.0, section 8).
    """
    picture = Image.fromarray(random_image(1, 24, 32))
    pages = [picture.resize((16, 12)), picture.resize((8, 6))]
    for page in (*pages, picture):
        page.encoderinfo = {"tiffinfo": {254: int(page is not picture)}}
    pages.insert(place, picture)
    first, *others = pages
    more = {"tiffinfo": {254: 1}} if place else {}
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, **more)
    assert np.array_equal(read_image(tmp_path / "a.tif"), np.asarray(picture).transpose(2, 0, 1))


def test_nothing_but_the_error_is_said_of_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(random_image(1)).save(tmp_path / "a.tif")
    content = (tmp_path / "a.tif").read_bytes()
    samples = struct.pack("<HHII", 277, 3, 1, 3)  # the tag of the samples a pixel, and its value
    assert content.count(samples) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(samples, struct.pack("<HHII", 277, 3, 1, 259)))
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as outside of tests
    assert "cannot be read as an image" in reason(tmp_path / "a.tif")
    assert capsys.readouterr().err == ""


# --- folders whose images are not of one form


def mixed(root: Path) -> Path:
    """8 of 30 images in the size of the first, 12 larger ones, 10 smaller ones."""
    class_folder(root, {"cat": 4, "dog": 4})
    for number in range(11):
        save(root / f"cat/l{number:02}.png", random_image(100 + number, 8, 8))
        save(root / f"dog/s{number:02}.png", random_image(200 + number, 4, 5))
    return root


@pytest.mark.parametrize("skip", [True, False])
def test_a_size_is_not_a_bad_file(skip: bool, tmp_path: Path) -> None:
    said = refusal(f"folder:{mixed(tmp_path)}", skip_bad=skip)
    assert (
        "the sizes (height x width) are 4x5 (11 images, the first dog/s00.png), 8x8 (11 images, the first "
        "cat/l00.png), 6x5 (8 images, the first cat/000.png): say size=HEIGHTxWIDTH to resize all"
        in said.replace(f"{tmp_path}/", "")
    )
    assert "--skip-bad leaves out no good file" in said
    data = load_data(f"folder:{tmp_path},size=4x5", skip_bad=skip)
    assert sum(len(getattr(data, part)) for part in PARTS) == 30


@pytest.mark.parametrize("skip", [True, False])
def test_a_number_of_channels_is_not_a_bad_file(skip: bool, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 6, "dog": 6})
    save(tmp_path / "dog/003.png", random_image(1, channels=1))
    said = refusal(f"folder:{tmp_path}", skip_bad=skip)
    assert (
        f"the channels are 3 (11 images, the first {tmp_path}/cat/000.png), 1 (1 image, "
        f"{tmp_path}/dog/003.png): say channels=1 or channels=3 to convert all" in said
    )
    save(tmp_path / "dog/003.png", random_image(1, channels=4))
    said = refusal(f"folder:{tmp_path}", skip_bad=skip)
    assert f"{tmp_path}/dog/003.png: has 4 channels (mode RGBA)" in said
    assert "say channels=3" in said
    data = load_data(f"folder:{tmp_path},channels=3", skip_bad=skip)
    assert sum(len(getattr(data, part)) for part in PARTS) == 12


def test_sizes_and_bad_files_are_told_at_once(tmp_path: Path) -> None:
    mixed(tmp_path)
    (tmp_path / "cat/001.png").write_bytes(b"")
    said = refusal(f"folder:{tmp_path}")
    assert "the sizes (height x width) are" in said
    assert "1 of 30 examples cannot be used (--skip-bad leaves them out):" in said
    said = refusal(f"folder:{tmp_path}", skip_bad=True)
    assert "the sizes (height x width) are" in said
    assert "cannot be used" not in said


def test_many_sizes_are_counted(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 3, "dog": 3})
    for side in range(10, 20):
        save(tmp_path / f"dog/{side}.png", random_image(1, side, side))
    assert "10x10 (1 image, " in (said := refusal(f"folder:{tmp_path}"))
    assert "and 6 more sizes: say size=HEIGHTxWIDTH to resize all" in said


def test_less_than_half_of_the_files_is_an_error_whatever_skip_bad_says(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 10, "dog": 10})
    for number in range(10):
        (tmp_path / f"cat/{number:03}.png").write_bytes(b"")
        if number < 5:
            save(tmp_path / f"cat/more{number}.png", random_image(number))
    data = load_data(f"folder:{tmp_path}", skip_bad=True)  # 15 of 25
    assert len(data.skipped) == 10
    for number in range(6):
        (tmp_path / f"dog/{number:03}.png").write_bytes(b"")
    said = refusal(f"folder:{tmp_path}", skip_bad=True)  # 9 of 25
    assert "only 9 of 25 examples can be used: less than half, which --skip-bad does not accept" in said
    assert f"{tmp_path}/cat/000.png: cannot be read as an image" in said


def test_files_that_are_no_images_do_not_count_for_the_share(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    for path in [*tmp_path.glob("*/*.png")]:
        path.with_suffix(".json").write_text("{}")
        path.with_suffix(".txt").write_text("annotated")
    assert "16 of 24 examples cannot be used" in refusal(f"folder:{tmp_path}")
    data = load_data(f"folder:{tmp_path}", skip_bad=True)
    assert sum(len(getattr(data, part)) for part in PARTS) == 8


@pytest.mark.parametrize("name", ["{}.heic", "{}.cr2", "{}", "more/{}.png", "more/deep/{}.jpg"])
def test_pictures_that_are_not_read_count_for_the_share(name: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    for number in range(7):
        path = tmp_path / "dog" / name.format(f"IMG{number}")
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path.with_suffix(".png"), random_image(number)).rename(path)
    assert len(load_data(f"folder:{tmp_path}", skip_bad=True).skipped) == 7
    for number in range(7, 9):
        (tmp_path / "dog" / name.format(f"IMG{number}")).write_bytes(b"")
    assert "only 8 of 17 examples can be used" in refusal(f"folder:{tmp_path}", skip_bad=True)


@pytest.mark.parametrize("suffix", [".jpe", ".jfif", ".mpo", ".JPG"])
def test_jpegs_of_other_suffixes_are_read(suffix: str, tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 4, "dog": 4})
    path = tmp_path / "dog/001.png"
    Image.open(path).save(path.with_suffix(suffix), format="JPEG")
    path.unlink()
    assert sum(len(getattr(load_data(f"folder:{tmp_path}"), part)) for part in PARTS) == 8


def test_images_without_masks_count_for_the_share(tmp_path: Path) -> None:
    mask_folder(tmp_path, 12)
    for number in range(5, 12):
        (tmp_path / f"masks/{number:03}.png").unlink()
    assert "only 5 of 12 examples can be used" in refusal(f"folder:{tmp_path}", skip_bad=True)


def test_images_of_classes_that_are_too_small_count_for_the_share(tmp_path: Path) -> None:
    class_folder(tmp_path, {"cat": 3, "dog": 3, **{f"rare{number}": 1 for number in range(7)}})
    said = refusal(f"folder:{tmp_path}", skip_bad=True)
    assert "only 6 of 13 images can be used: less than half" in said
    assert "class 'rare0' has 1 usable image" in said


def test_less_than_half_of_the_lines_of_a_table_is_an_error(tmp_path: Path) -> None:
    lines = [f"{number},{number % 2}" if number < 9 else "oops,1" for number in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]))
    assert "only 9 of 20 lines can be used" in refusal(f"csv:{tmp_path / 't.csv'}", skip_bad=True)
