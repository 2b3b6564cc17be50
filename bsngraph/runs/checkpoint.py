"""checkpoint.pt: everything needed to go on with a run exactly."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch

from bsngraph.errors import InputError
from bsngraph.runs.run_folder import Json, RunFolder
from bsngraph.whole_files import write_whole


def write_checkpoint(run: RunFolder, state: Mapping[str, Any]) -> None:
    """Write checkpoint.pt: tensors and plain values only, so that it loads with weights_only=True."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write_whole(run.file("checkpoint.pt"), buffer.getvalue())


def read_checkpoint(run: RunFolder, device: torch.device | str = "cpu") -> Json:
    """Read checkpoint.pt.

    Raises:
        InputError: it is not there or cannot be read.
    """
    path = run.file("checkpoint.pt")
    try:
        state: Json = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no checkpoint: is {run.path} a run folder?") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: cannot be read as a checkpoint ({type(error).__name__})") from None
    return state
