"""A fabric → a folder to measure on another device.

    measure.py     the script that runs there: it needs numpy and onnxruntime alone
    kit.json       which file is whose: edges, networks, and the fabric they are of
    models/…       each distinct operation, each distinct joining, the whole networks

In: a profile. Out: the folder, there whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.measure.calibration import random_architectures
from bsngraph.measure.latency import CALIBRATING
from bsngraph.measure.latency_table import fabric_hash
from bsngraph.measure.piecewise.onnx_running import onnx_file
from bsngraph.measure.piecewise.piece_timings import Report, no_report
from bsngraph.measure.piecewise.pieces import (
    Piece,
    joining_pieces,
    network_piece,
    operation_pieces,
    piece_key,
)
from bsngraph.profile import FabricProfile
from bsngraph.supernet import compile_fabric

SCRIPT = "measure.py"

_SOURCE = Path(__file__).with_name("device_script.py")


def write_kit(
    profile: FabricProfile, folder: Path, *, networks: int = CALIBRATING, report: Report | None = None
) -> int:
    """Write the kit of a fabric to a folder that is not there yet; how many models it
    has. `networks` random sub-networks are in it whole.

    `report(done, of)` is called as models are written.

    Raises:
        InputError: the folder is there or cannot be written, onnx is not installed, or
            an operation cannot be written as ONNX.
    """
    if os.path.lexists(folder):
        raise InputError(f"{folder} is there already: give another folder to --kit, or move it away")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".bsngraph-kit-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}): give another folder") from None
    try:
        count = _fill(
            profile, part, random_architectures(profile.fabric, networks, seed=0), report or no_report
        )
        part.chmod(0o755)
        part.rename(folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(f"{folder}: cannot be written ({error.strerror})") from None
        raise
    return count


def _fill(profile: FabricProfile, folder: Path, tests: Sequence[Architecture], report: Report) -> int:
    names = [edge.name for edge in profile.fabric.edges]
    kinds = {
        "operation": operation_pieces(profile),
        "joining": joining_pieces(profile),
        "network": [network_piece(profile, test) for test in tests],
    }
    pieces = [(kind, piece) for kind, some in kinds.items() for piece in some]
    keys = [piece_key(piece, number) for number, (_, piece) in enumerate(pieces)]
    distinct = dict(zip(keys, pieces, strict=True))
    (folder / "models").mkdir()
    models: dict[str, Any] = {}
    file_of: dict[str, str] = {}
    for number, (key, (kind, piece)) in enumerate(distinct.items(), start=1):
        file_of[key] = f"models/{kind}-{number:03d}.onnx"
        models[file_of[key]] = {"inputs": _write_model(piece, folder / file_of[key])}
        report(number, len(distinct))
    files = [file_of[key] for key in keys]
    count = len(names)
    kit = {
        "fabric": fabric_hash(profile),
        "name": profile.fabric.name,
        "versions": {"bsngraph": version("bsngraph"), "torch": str(torch.__version__)},
        "models": models,
        "edges": {
            name: {"operation": operation, "joining": joining}
            for name, operation, joining in zip(names, files[:count], files[count : 2 * count], strict=True)
        },
        "networks": [
            {"file": file, "edges": [names[edge] for edge in test.live]}
            for file, test in zip(files[2 * count :], tests, strict=True)
        ],
    }
    (folder / "kit.json").write_text(json.dumps(kit, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copyfile(_SOURCE, folder / SCRIPT)
    return len(distinct)


def _write_model(piece: Piece, path: Path) -> Mapping[str, list[int]]:
    """Write a piece's ONNX file; the shape of one example of each of its inputs."""
    net = compile_fabric(piece.fabric, seed=0).eval()
    path.write_bytes(onnx_file(net))
    shapes = net.profile.node_shapes
    return {f"input_{number}": list(shapes[node]) for number, node in enumerate(piece.fabric.source_indices)}
