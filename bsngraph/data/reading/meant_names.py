"""What a data set's name that is none was probably meant to be: a folder or a file
without its kind, or a misspelt kind.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bsngraph.errors import nearest

_FILES = {".csv": "csv:{}", ".tsv": "csv:{}", ".npz": "npz:{}"}
_CODE = ".py"
# What a folder holds → its kind; any other folder is one of images.
_FOLDERS = {
    "data_batch_1.bin": "cifar10",
    "train.bin": "cifar100",
    "train-images-idx3-ubyte": "mnist",
    "train-images-idx3-ubyte.gz": "mnist",
    "dataset_dict.json": "hf",
    "dataset_info.json": "hf",
}


def meant_name(name: str, known: Collection[str]) -> str:
    """The cure for `name`, whose kind is none of the `known`."""
    kind = name.partition(":")[0].partition(",")[0]
    path = Path(kind)
    if not kind:
        return nearest(kind, known)
    try:
        if path.is_dir():
            held = next((of for file, of in _FOLDERS.items() if (path / file).exists()), "folder")
            return f"it is a folder here: did you mean {held}:{name}?"
        if path.is_file():
            return _file(name, path)
    except (OSError, ValueError):  # no name of a file
        pass
    if "/" in kind or "\\" in kind or path.suffix in (*_FILES, _CODE):
        return (
            "no file or folder of that name is here either; yours are named folder:DIR, csv:FILE, npz:FILE, "
            "those of Hugging Face hf:NAME (`bsngraph data` lists all)"
        )
    return nearest(kind, known)


def _file(name: str, path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in _FILES:
        return f"it is a file here: did you mean {_FILES[suffix].format(name)}?"
    if suffix == _CODE:
        return f"it is code: did you mean --data-code {name}:FUNCTION?"
    return "it is a file here, of no kind that is read: data come from folders of images, .csv and .npz files"
