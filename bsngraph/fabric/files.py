"""Files ↔ Fabric."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx

from bsngraph.errors import InputError
from bsngraph.fabric.atomic import write_whole
from bsngraph.fabric.dot_to_raw import dot_to_raw
from bsngraph.fabric.fabric_to_dot import fabric_to_dot
from bsngraph.fabric.model import Fabric
from bsngraph.fabric.networkx_to_raw import networkx_to_raw
from bsngraph.fabric.raw_to_fabric import Draft, raw_to_fabric
from bsngraph.ops import Value

DOT_SUFFIXES = (".dot", ".gv")


def read_fabric(path: str | Path, settings: Mapping[str, Value] | None = None) -> Fabric:
    """Read a fabric from a DOT file; `settings` override its parameters.

    Raises:
        FabricError: it is not a valid fabric; all problems are listed.
        InputError: the file cannot be read.
    """
    return draft_file(path, settings).finish()


def draft_file(path: str | Path, settings: Mapping[str, Value] | None = None) -> Draft:
    """Read a file as far as it goes; what is wrong with the graph is in the draft.

    Raises:
        FabricError: the file is no DOT digraph at all.
        InputError: the file cannot be read.
    """
    path = Path(path)
    _check_suffix(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8 text") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return raw_to_fabric(dot_to_raw(text, str(path)), settings)


def fabric_from_networkx(graph: nx.MultiDiGraph[Any], settings: Mapping[str, Value] | None = None) -> Fabric:
    """A fabric built in Python: a directed networkx graph with the attributes of the file format.

    Raises:
        FabricError: it is not a valid fabric; all problems are listed.
    """
    return raw_to_fabric(networkx_to_raw(graph), settings).finish()


def write_fabric(fabric: Fabric, path: str | Path) -> None:
    """Write a fabric as DOT in canonical form; the file is written whole or not at all.

    Raises:
        InputError: the suffix is no DOT one, or the file cannot be written.
    """
    path = Path(path)
    _check_suffix(path)
    write_whole(path, fabric_to_dot(fabric))


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in DOT_SUFFIXES:
        raise InputError(f"{path}: a fabric is a DOT file: name it .dot or .gv")
