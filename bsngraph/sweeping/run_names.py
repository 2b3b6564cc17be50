"""Names of a sweep's run folders: what differs between the runs, safe as a file's name
on every system, and another name for everything else that differs.

`macs=10%` and seed 0 give `macs-10pct_seed-0`. A name is a function of the values
alone, so runs that are added later never rename those that are there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from bsngraph.sweeping.axes import Axis, AxisValue

# Spellings for what is no part of a safe name. They are read backwards too: a text that
# holds one of these words itself is told apart by its hash.
_SPELLED = {"%": "pct", "..": "-to-", "~": "about"}
# Capitals are kept where they are units; no other text may differ from one by case
# alone, as some file systems do not tell them apart.
_AMOUNT = r"[0-9.]*[0-9](pct|k|M|G|B|kB|MB|GB|KiB|MiB|GiB|us|ms|s)?"
_BARE = re.compile(rf"(about)?{_AMOUNT}(-to-{_AMOUNT})?|[a-z0-9.+-]*[0-9+-]|[a-z.+-]*[a-z]")
_LIKE_A_HASH = re.compile(r".*-[0-9a-f]{8}")
_LONGEST_PART, _LONGEST_NAME = 40, 160


def run_name(values: Sequence[tuple[Axis, AxisValue]]) -> str:
    """The name of the run that has these values: two runs over the same axes have the
    same name only if they have the same values.
    """
    parts = [f"{_safe_characters(axis.name)}-{_safe_value(choice.text)}" for axis, choice in values]
    name = "_".join(parts)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME].rstrip('._')}-{_digest(name)}"


def _safe_value(text: str) -> str:
    """The text itself where it is safe, spelled out; else what is safe of it, and a
    hash.
    """
    spelled = _with(text, _SPELLED)
    read_back = _with(spelled, {word: sign for sign, word in _SPELLED.items()})
    bare = _BARE.fullmatch(spelled) and not _LIKE_A_HASH.fullmatch(spelled)
    if bare and read_back == text and len(spelled) <= _LONGEST_PART:
        return spelled
    return "-".join(filter(None, [_safe_characters(spelled)[:_LONGEST_PART].strip("-."), _digest(text)]))


def _safe_characters(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z.+-]+", "-", text).strip("-.") or "x"


def _with(text: str, spellings: Mapping[str, str]) -> str:
    for old, new in spellings.items():
        text = text.replace(old, new)
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
