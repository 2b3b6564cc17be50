"""The sizes and the names that the package keeps to: small rooms, short files and
functions, one meaning for a name.
"""

from __future__ import annotations

import ast
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bsngraph"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_FILES, MOST_LINES, MEDIAN_LINES, MOST_FUNCTION_LINES = 10, 300, 110, 60


def place(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the def to the end, the docstring among them."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def lines_of(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_no_folder_has_many_files() -> None:
    rooms = defaultdict(list)
    for path in FILES:
        if path.name != "__init__.py":
            rooms[path.parent].append(path.name)
    assert {place(room): names for room, names in rooms.items() if len(names) > MOST_FILES} == {}


def test_no_file_is_long_and_half_of_them_are_short() -> None:
    lengths = {place(path): lines_of(path) for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
    written = [lines_of(path) for path in FILES if path.name != "__init__.py"]
    assert statistics.median(written) <= MEDIAN_LINES


def test_no_function_is_long() -> None:
    lengths = {
        f"{place(path)}:{function.name}": lines_of_function(function)
        for path in FILES
        for function in functions(tree_of(path))
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_FUNCTION_LINES} == {}


def test_nothing_private_is_imported_from_another_module() -> None:
    crossing = [
        f"{place(path)}: {node.module}.{alias.name}"
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bsngraph.")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert crossing == []


def public_names(path: Path) -> Iterator[str]:
    """What stands at the top of a module: classes, functions, constants."""
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_no_two_public_nouns_share_a_name() -> None:
    homes = defaultdict(list)
    for path in FILES:
        if path.parent.name == "builders":  # a builder bears the name of its operation
            continue
        for name in public_names(path):
            # every command's module has a `command`, and loaders have their OPTIONS
            if not name.startswith("_") and name not in ("command", "OPTIONS"):
                homes[name].append(place(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc", "core"])
def test_no_room_is_named_after_nothing(name: str) -> None:
    assert not [place(path) for path in PACKAGE.rglob("*") if path.stem == name]
