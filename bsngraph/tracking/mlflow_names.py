"""Names of settings and of numbers → names that MLflow takes: letters, digits and
`_ - . : /` and spaces, which read as a path that is its own shortest form.
"""

from __future__ import annotations

import hashlib
import re
import sys

_LONGEST = 200  # MLflow takes 250
# A drive's letter stands before a colon on Windows.
_OTHERS = re.compile(r"[^/\w.\- ]" if sys.platform == "win32" else r"[^/\w.\- :]")


def mlflow_name(name: str) -> str:
    """The name itself if MLflow takes it; else one like it, with the beginning of a
    hash, so that no two names become one.
    """
    parts = [_OTHERS.sub("_", part) for part in name.split("/")]
    bare = "/".join(part if part.strip(".") else "_" for part in parts)[:_LONGEST]
    return name if bare == name else f"{bare}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
