"""Measurements on disk: a key that says all they depend on → a timing, one file each.

A file is written whole and says its own key and a hash of what it says, so that writers
at the same time, damage and chance agreements of a hash do no harm: what does not read
back as the key's is measured again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from bsngraph.errors import InputError
from bsngraph.measure.timing import Timing
from bsngraph.typed_files import Row, Sha256, json_text, plain, read_row
from bsngraph.whole_files import write_whole

_MOST_BYTES = 2**20


class CacheEntry(Row, frozen=True, kw_only=True):
    """A file of the cache: `key` is any JSON object, `sha256` is over the rest."""

    key: dict[str, Any]
    value: Timing
    sha256: Sha256


def default_cache() -> Path:
    """The folder of measurements under the platform's cache,
    `~/.cache/bsngraph/latency` on Linux.
    """
    return user_cache_path("bsngraph", appauthor=False) / "latency"


def recall(folder: Path | None, key: Mapping[str, Any]) -> Timing | None:
    """The timing kept under `key`; None if there is none that can be read."""
    if folder is None:
        return None
    try:
        return read_entry(cache_file(folder, key), key)
    except InputError:
        return None


def read_entry(path: Path, key: Mapping[str, Any]) -> Timing:
    """The timing that a file of the cache keeps for `key`.

    Raises:
        InputError: the file cannot be read, is damaged, or is of another key.
    """
    entry = read_row(path, CacheEntry, most=_MOST_BYTES)
    if _text(entry.key) != _text(key) or entry.sha256 != _digest(key, entry.value):
        raise InputError(f"{path}: is of another key, or was changed, at $: it is measured again")
    return entry.value


def remember(folder: Path | None, key: Mapping[str, Any], value: Timing) -> None:
    """Keep `value` under `key`; a folder that cannot be written to is no reason to
    stop.
    """
    if folder is not None:
        entry = CacheEntry(key=dict(key), value=value, sha256=_digest(key, value))
        with contextlib.suppress(OSError, InputError):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(cache_file(folder, key), json_text(entry))


def cache_file(folder: Path, key: Mapping[str, Any]) -> Path:
    """Where the cache keeps `key`."""
    return folder / f"{hashlib.sha256(_text(key).encode()).hexdigest()}.json"


def _digest(key: Mapping[str, Any], value: Timing) -> str:
    return hashlib.sha256((_text(key) + _text(plain(value))).encode()).hexdigest()


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
