"""What `bsngraph ops` prints: every operation with its arguments, sizes and when to use
it.
"""

from __future__ import annotations

import json
from typing import Any

import click

from bsngraph.ops import OPERATIONS, Argument, Operation


def show_operations(form: str) -> None:
    """Print the table of operations: ours, torch.nn's, the user's."""
    if form == "json":
        click.echo(
            json.dumps(
                {"operations": [_facts(entry) for entry in OPERATIONS.values()]}, indent=2, ensure_ascii=False
            )
        )
        return
    own = [entry for entry in OPERATIONS.values() if not (entry.origin or entry.name.startswith("nn."))]
    click.echo(
        "Operations of bsngraph. An edge bears the name as op=NAME and the arguments by their names; "
        'those without "=" must be given.'
    )
    for entry in own:
        click.echo(f"\n{_text(entry)}")
    click.echo(
        '\nClasses of torch.nn, with torch\'s names and defaults: op="nn.Name". Sizes of what comes in '
        "are filled in.\n"
    )
    for line in _torch_lines([entry for entry in OPERATIONS.values() if entry.name.startswith("nn.")]):
        click.echo(line)
    for origin in dict.fromkeys(entry.origin for entry in OPERATIONS.values() if entry.origin):
        click.echo(f"\nOperations of {origin}.")
        for entry in OPERATIONS.values():
            if entry.origin == origin:
                click.echo(f"\n{_text(entry)}")


def _torch_lines(entries: list[Operation]) -> list[str]:
    """Classes with the same use under one heading."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        call = f"    {entry.name}({', '.join(map(_short, entry.arguments.values()))})"
        groups.setdefault(f"{entry.when}  {entry.sizes}", []).append(call)
    return [line for heading, calls in groups.items() for line in (heading, *calls)]


def _text(entry: Operation) -> str:
    lines = [f"{entry.name}: {entry.summary}" if entry.summary else entry.name]
    lines += [f"    when   {entry.when}"] if entry.when else []
    lines += [f"    sizes  {entry.sizes}"] if entry.sizes else []
    width = max((len(_typed(argument)) for argument in entry.arguments.values()), default=0)
    lines += [
        f"      {_typed(argument):{width}}  {argument.help}".rstrip() for argument in entry.arguments.values()
    ]
    return "\n".join(lines)


def _typed(argument: Argument) -> str:
    """`kernel: odd int 1..255 = 3`."""
    kind = "|".join(argument.choices) or argument.kind.__name__
    if argument.bounds is not None:
        odd = "odd " if argument.bounds.odd else ""
        kind = f"{odd}{kind} {argument.bounds.low:g}..{argument.bounds.high:g}"
    return f"{argument.name}: {kind}{_default(argument)}"


def _short(argument: Argument) -> str:
    return f"{argument.name}{_default(argument).replace(' ', '')}"


def _default(argument: Argument) -> str:
    if argument.required:
        return ""
    if argument.default is None:
        return " = (none)"
    return f" = {str(argument.default).lower() if isinstance(argument.default, bool) else argument.default}"


def _facts(entry: Operation) -> dict[str, Any]:
    return {
        "name": entry.name,
        "summary": entry.summary,
        "when": entry.when,
        "sizes": entry.sizes,
        "origin": entry.origin or None,
        "arguments": [_argument_facts(argument) for argument in entry.arguments.values()],
    }


def _argument_facts(argument: Argument) -> dict[str, Any]:
    bounds = argument.bounds
    return {
        "name": argument.name,
        "type": argument.kind.__name__,
        "choices": list(argument.choices) or None,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
        "odd": bool(bounds and bounds.odd),
        "required": argument.required,
        "default": None if argument.required else argument.default,
        "help": argument.help,
    }
