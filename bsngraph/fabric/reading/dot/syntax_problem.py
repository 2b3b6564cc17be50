"""What the parser found wrong with a DOT text → a problem with its place and cure."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from bsngraph.errors import Problem

_EXAMPLE = (
    'a fabric reads `digraph name { graph [source=a, target=b]; a [input="1x8x8"]; a -> b '
    "[op=conv, channels=8]; }`"
)
_SPOKEN = {
    "LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]", "EQUAL": "=", "SEMICOLON": ";",
    "COMMA": ",", "COLON": ":", "EDGEOP": "->", "NAME": "a name", "NUMERAL": "a number",
    "QUOTED": "a quoted text", "$END": "the end of the file",
}  # fmt: skip
# An attribute whose value breaks off: what the value begins with may be empty.
_QUOTED_VALUE = re.compile(r"([A-Za-z_]\w*)\s*=\s*([^\s,;\]\[\"]*)$")
_NEAR = 100  # characters around a mistake that its cure looks at
_UNCLOSED = {'"': 'close the quoted text with "', "<": "close every < of an HTML text with >"}


def empty_file(origin: str) -> Problem:
    """The problem of a file without any text."""
    return Problem("the file is empty", origin, _EXAMPLE)


def syntax_problem(error: UnexpectedInput, text: str) -> Problem:
    """The problem that a parser's error is."""
    if isinstance(error, UnexpectedCharacters):
        return _unreadable(error, text)
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return _unexpected(error)
    assert isinstance(error, UnexpectedEOF | UnexpectedToken)
    where = f"line {text.count(chr(10)) + 1}"
    if isinstance(error, UnexpectedToken) and "DIGRAPH" in error.expected:
        return Problem("the file holds no graph", where, _EXAMPLE)
    cure = "close every { with }, every [ with ] and every quote"
    return Problem("the file ends in the middle of the graph", where, cure)


def _unreadable(error: UnexpectedCharacters, text: str) -> Problem:
    """Characters that begin no word of the language."""
    where = f"line {error.line}, column {error.column}"
    at = error.pos_in_stream or 0
    rest = text[at:].split("\n")[0]
    number = re.match(r"[-.0-9][\w.]*", rest)
    before = text[max(0, at - _NEAR) : at].rpartition("\n")[2]
    quoted = _QUOTED_VALUE.search(before)
    if quoted and rest[0] not in _UNCLOSED and (quoted[2] or not number):
        end = re.match(r"[^\s,;\]]*", rest[:_NEAR])
        value = f"{quoted[2]}{end.group() if end else ''}"
        return Problem(f"{value!r} must stand in quotes", where, f'write {quoted[1]}="{value}"')
    if number:
        word = number.group()
        return Problem(
            f"{word!r} is not a number of the DOT language", where, f'write it in quotes: "{word}"'
        )
    cure = _UNCLOSED.get(rest[:1]) or ("close the comment with */" if rest.startswith("/*") else _EXAMPLE)
    return Problem(f"cannot read {rest[:20]!r} as DOT", where, cure)


def _unexpected(error: UnexpectedToken) -> Problem:
    """A word of the language where another must stand."""
    where = f"line {error.line}, column {error.column}"
    expected = {_SPOKEN.get(name, name.lower()) for name in error.accepts or error.expected}
    if expected == {"="}:
        return Problem("an attribute has no value", where, "give it one: [fixed=true]")
    cure = f"expected one of {' '.join(sorted(expected))}"
    return Problem(f"did not expect {str(error.token)!r} here", where, cure)
