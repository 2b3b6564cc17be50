"""Whether the files of a run are still those that its certificate was made for.

Costs are counted again by `bsngraph verify`, which needs torch. A hash needs none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.runs.rows.certificate import Certificate
from bsngraph.runs.run_folder import FILES, FRONT_FILES
from bsngraph.whole_files import check_regular


def changed_files(folder: Path, certificate: Certificate) -> tuple[str, ...]:
    """The files whose hash is not the certificate's, and those that are gone.

    A name that no run writes is not opened: it counts as changed.

    Raises:
        InputError: a file cannot be read.
    """
    return tuple(
        name
        for name, stated in certificate.files.items()
        if name not in (*FILES, *FRONT_FILES)
        or not (folder / name).exists()
        or sha256_of(folder / name) != stated
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: it cannot be read, or is no regular file.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
