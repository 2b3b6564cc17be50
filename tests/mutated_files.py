"""Valid files with random damage.

bases()                     → name → bytes of valid files in every format
mutated(content, random)    → the same with one to four mutations: bits flipped, spans
and lines deleted, doubled or moved, tokens
                              swapped or put in the place of another, the end cut off
outcome(path)               → "valid", "FabricError" or "InputError" after reading and
pricing; AssertionError for anything else
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

from bsngraph.errors import FabricError, InputError
from bsngraph.fabric import Fabric, draft_file, read_fabric
from bsngraph.fabric.formats import FORMATS, format_of
from bsngraph.profile import profile_draft

FILES = Path(__file__).parent / "files"
FABRICS = Path(__file__).parents[1] / "fabrics"
TOKEN = re.compile(rb"[\w$.-]+|[^\w\s]|\s+")
WORDS = (
    *b"0 -1 1e999 NaN 99999999999999999999 65536 0.5 true null $x $channels".split(),
    *b'"" " \' { } [ ] < > </node> &amp; &x; -> -- ; , : \\ // /*'.split(),
    *b"image op conv identity linear classifier concat merge fixed gate=g choice=c".split(),
    *b"key key=0 source target id edges links strict graph".split(),
    *(b"<!DOCTYPE a>", b"subgraph s {", b"\x00", b"\xff", b"\r", b"\xf0\x9f\x99\x82"),
)


def bases() -> dict[str, bytes]:
    """Valid files: samples of other programs, and the fabrics of the tests in every
    format.
    """
    found = {path.name: path.read_bytes() for path in sorted(FILES.iterdir())}
    fabric = grouped(read_fabric(FILES / "fabric.dot"))
    digits = FABRICS / "digits.dot"
    found[digits.name] = digits.read_bytes()
    for format_ in FORMATS:
        for name, one in {"grouped": fabric, "written": read_fabric(digits)}.items():
            content = format_.write(one)
            found[f"{name}{format_.suffixes[0]}"] = content.encode() if isinstance(content, str) else content
    return found


def grouped(fabric: Fabric) -> Fabric:
    """The fabric of tests/files with gates, a choice and styles."""
    edges = [replace(edge, style={"label": "<b>x</b>"}) for edge in fabric.edges]
    edges[1] = replace(edges[1], gate="g", choice="c")
    edges[2] = replace(edges[2], gate="g", choice="c", probability=edges[1].probability)
    edges[3] = replace(edges[3], choice="c")
    return replace(fabric, edges=tuple(edges))


def mutated(content: bytes, random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 2, 4))):
        content = random.choice(
            (_flip, _flip, _cut, _double, _swap, _swap, _word, _word, _word, _insert, _lines, _truncate)
        )(content, random)
    return content


def outcome(path: Path) -> str:
    """What reading and pricing a file ends in."""
    try:
        profile = profile_draft(draft_file(path))
    except FabricError as error:
        return _with_places(error)
    except InputError as error:
        return _about(path, error)
    for format_ in FORMATS:  # a valid fabric is valid in every format
        again = path.with_name(f"again{format_.suffixes[0]}")
        content = format_of(again).write(profile.fabric)
        again.write_bytes(content.encode() if isinstance(content, str) else content)
        assert read_fabric(again) == profile.fabric, format_.name
    return "valid"


def _with_places(error: FabricError) -> str:
    assert error.exit_code == 2
    assert error.problems
    assert all(problem.what and problem.where and problem.cure for problem in error.problems), str(error)
    return "FabricError"


def _about(path: Path, error: InputError) -> str:
    assert error.exit_code == 2
    assert str(path) in str(error)
    return "InputError"


def _span(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.choice((1, 1, 2, 5, 20, 100)))


def _flip(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]


def _cut(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:start] + content[end:]


def _double(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random)
    return content[:end] + content[start:end] + content[end:]


def _insert(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(WORDS) + content[at:]


def _tokens(content: bytes) -> list[bytes]:
    return TOKEN.findall(content) or [b""]


def _swap(content: bytes, random: Random) -> bytes:
    tokens = _tokens(content)
    first, second = random.randrange(len(tokens)), random.randrange(len(tokens))
    tokens[first], tokens[second] = tokens[second], tokens[first]
    return b"".join(tokens)


def _word(content: bytes, random: Random) -> bytes:
    tokens = _tokens(content)
    places = [place for place, token in enumerate(tokens) if not token.isspace()] or [0]
    tokens[random.choice(places)] = random.choice(WORDS if random.random() < 0.6 else tokens)
    return b"".join(tokens)


def _lines(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = random.randrange(len(lines))
    line = lines[at] if random.random() < 0.5 else lines.pop(at)
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"".join(lines)


def _truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)] if random.random() < 0.3 else content
