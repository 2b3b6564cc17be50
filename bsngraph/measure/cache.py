"""Measurements on disk: a key that says all they depend on → a JSON value, one file
each.

A file is written whole and says its own key, so that writers at the same time, damage
and chance agreements of a hash do no harm: what does not read back as the key's is
measured again.
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
from bsngraph.whole_files import write_whole

Json = dict[str, Any]


def default_cache() -> Path:
    """The folder of measurements under the platform's cache,
    `~/.cache/bsngraph/latency` on Linux.
    """
    return user_cache_path("bsngraph", appauthor=False) / "latency"


def recall(folder: Path | None, key: Mapping[str, Any]) -> Json | None:
    """The value kept under `key`; None where there is none that can be read."""
    if folder is None:
        return None
    try:
        kept = json.loads(_file(folder, key).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    value = (
        kept.get("value") if isinstance(kept, dict) and kept.get("key") == json.loads(_text(key)) else None
    )
    return value if isinstance(value, dict) else None


def remember(folder: Path | None, key: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Keep `value` under `key`; a folder that cannot be written to is no reason to
    stop.
    """
    if folder is not None:
        with contextlib.suppress(OSError, InputError):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(
                _file(folder, key), json.dumps({"key": key, "value": value}, indent=1, sort_keys=True) + "\n"
            )


def _file(folder: Path, key: Mapping[str, Any]) -> Path:
    return folder / f"{hashlib.sha256(_text(key).encode()).hexdigest()}.json"


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
