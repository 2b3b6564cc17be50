"""The user's operations in an export: their files without what ties them to bsngraph.

`import bsngraph` and `@bsngraph.operation(…)` are taken out; all else stays as it was
written.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from bsngraph.errors import InputError
from bsngraph.exporting.python.source.operations.layers import constant_text
from bsngraph.fabric import Edge, Fabric
from bsngraph.ops import OPERATIONS, Shape


@dataclass(frozen=True)
class CopiedOperations:
    """Files of the user's operations.

    `modules` are their names in the export by the file that they are copied from,
    `texts` what is in them by these names.
    """

    modules: Mapping[str, str]
    texts: Mapping[str, str]

    def call(self, edge: Edge, shape: Shape) -> tuple[str, list[str]]:
        """The function that builds an edge's module, and the arguments that it gets."""
        module = self.modules[_file_of(edge)]
        given = [f"{name}={constant_text(value)}" for name, value in edge.arguments.items()]
        return f"{module}.{OPERATIONS[edge.op].builder.__name__}", [constant_text(shape), *given]


def copied_operations(fabric: Fabric, *, include: bool) -> CopiedOperations:
    """The files of the operations in a fabric that are the user's.

    Raises:
        InputError: there are some and they are not to be included, or a file cannot
            stand alone.
    """
    modules: dict[str, str] = {}
    for edge in fabric.edges:
        origin = OPERATIONS[edge.op].origin
        if not origin:
            continue
        if not include:
            raise InputError(
                f"edge {edge.name}: op={edge.op} is code of yours ({origin}), which is copied only if you "
                "say so: add --include-ops, or export to a format that holds no code"
            )
        file = _file_of(edge)
        modules.setdefault(file, f"operations_{len(modules) + 1}" if modules else "operations")
    return CopiedOperations(modules, {name: standing_alone(file) for file, name in modules.items()})


def standing_alone(file: str) -> str:
    """The text of a file of operations as it works without bsngraph.

    Raises:
        InputError: it needs bsngraph for more than registering operations, or files
            that are not copied.
    """
    with tokenize.open(file) as source:
        text = source.read()
    tree, lines = ast.parse(text), text.split("\n")
    names = {alias.asname or alias.name for node in tree.body for alias in _our_aliases(node)}
    for node in reversed(tree.body):
        for decorator in reversed(getattr(node, "decorator_list", [])):
            if isinstance(decorator, ast.Call) and _root(decorator.func) in names:
                _put(lines, decorator, "", before="@")
        if any(True for _ in _our_aliases(node)):
            others = [alias for alias in getattr(node, "names", ()) if alias not in [*_our_aliases(node)]]
            _put(lines, node, ast.unparse(ast.Import(others)) if others else "")
    left = "\n".join(lines)
    for part in ast.walk(ast.parse(left)):
        if isinstance(part, ast.ImportFrom) and part.level:
            raise InputError(
                f"{file}: imports a file beside it, which is not copied: put it all into one file, or "
                "install it as a package"
            )
        if any(True for _ in _our_aliases(part)) or (isinstance(part, ast.Name) and part.id in names):
            raise InputError(
                f"{file}: uses bsngraph for more than @bsngraph.operation, but an export runs without "
                "it: take that out of the operations' file"
            )
    return left.lstrip("\n")


def _our_aliases(node: ast.AST) -> Iterator[ast.alias]:
    """The names that a statement imports from bsngraph."""
    if isinstance(node, ast.Import):
        yield from (alias for alias in node.names if alias.name.split(".")[0] == "bsngraph")
    elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bsngraph":
        yield from node.names


def _root(function: ast.expr) -> str:
    """`bsngraph` of `bsngraph.operation`."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return function.id if isinstance(function, ast.Name) else ""


def _put(lines: list[str], node: ast.stmt | ast.expr, text: str, *, before: str = "") -> None:
    """Put `text` in the place of a node and of `before`, which stands before it; lines
    in which nothing is left go.
    """
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    first, last = (lines[number - 1].encode() for number in (node.lineno, node.end_lineno))
    begin = first[: node.col_offset].decode().rstrip().removesuffix(before)
    end = last[node.end_col_offset :].decode()
    alone = not begin.strip() and (not end.strip() or end.lstrip().startswith("#"))
    lines[node.lineno - 1 : node.end_lineno] = [] if alone and not text else [f"{begin}{text or 'pass'}{end}"]


def _file_of(edge: Edge) -> str:
    """The file in which an edge's operation is defined.

    Raises:
        InputError: there is none, or it is not at the top of it.
    """
    builder = OPERATIONS[edge.op].builder
    module: ModuleType | None = sys.modules.get(getattr(builder, "__module__", ""))
    name, file = getattr(builder, "__name__", ""), getattr(module, "__file__", None)
    if not str(file).endswith(".py") or getattr(module, name, None) is not builder:
        raise InputError(
            f"edge {edge.name}: op={edge.op} cannot be copied, because it is not a function or class at "
            f"the top of a file: define it in one, and name that by --ops"
        )
    return str(file)


def import_lines(copied: CopiedOperations) -> list[str]:
    """The imports of the copied files."""
    return [f"import {name}" for name in copied.texts]
