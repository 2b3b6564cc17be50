"""The README and the pages in docs do what they say: every file, command and piece of
Python on them is run, in the order in which it stands.

The README's commands run in an empty folder, with few epochs and with its own small
fabric in place of the large one; what they print is compared with what it shows. What
the pages' commands leave to defaults is kept short.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner, Result

import bsngraph
from bsngraph.cli.main import COMMANDS, cli
from bsngraph.ops import OPERATIONS

ROOT = Path(__file__).parents[1]
PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "ARCHITECTURE.md")
LINKED = [ROOT / "README.md", *(ROOT / "docs" / page for page in PAGES), ROOT / "fabrics" / "README.md"]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
QUICK = {
    "search": shlex.split(
        "--epochs 1 --batch-size 512 --finalists 0 --finetune-epochs 0 --candidates 2 --threads 1 --quiet"
    ),
    "train": shlex.split("--epochs 1 --batch-size 512 --threads 1 --quiet"),
    "prune": ["--threads", "1", "--quiet"],
    "sweep": shlex.split(
        "--epochs 1 --batch-size 512 --finalists 0 --finetune-epochs 0 --candidates 2 --only 1/9 --quiet"
    ),
}
#: What a line does not say itself.
SHORT = {
    "search": {"--batch-size": "256", "--finalists": "2", "--finalist-epochs": "1"},
    "sweep": {"--batch-size": "256", "--finalists": "0", "--finetune-epochs": "1", "--workers": "1"},
}


class Ran(NamedTuple):
    """A command that was run, and what came of it."""

    words: list[str]
    result: Result


def attributes(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split())


def run_line(line: str, *, exit_code: int, quick: bool) -> Ran | None:
    """Run a command of ours; hold `make` and `pip` against the files they read."""
    program, *words = shlex.split(line, comments=True)
    if program == "make":
        known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert words
        assert set(words) <= set(known), line
        return None
    if program == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extras = re.findall(r"\[(.*?)\]", line)
        assert set(extras) <= project["optional-dependencies"].keys(), line
        assert words[:3] == ["install", "-c", "constraints.txt"], line
        return None
    assert program == "bsngraph", line
    short = [part for pair in SHORT.get(words[0], {}).items() if pair[0] not in words for part in pair]
    result = CliRunner().invoke(cli, [*words, *(QUICK.get(words[0], []) if quick else short)])
    assert result.exit_code == exit_code, f"{line}\n{result.output}"
    return Ran(words, result)


def shown_costs(printed: str) -> list[tuple[str, ...]]:
    """The rows of a run's table that no training changes: cost, whole fabric, limit."""
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if "│" in line
    ]
    return [(row[0], row[2], row[4]) for row in rows if len(row) == 6]


def follow(text: str, folder: Path, capsys: pytest.CaptureFixture[str], *, quick: bool = False) -> None:
    """Do what a page says, in `folder`, which is the current one."""
    blocks = BLOCK.findall(text)
    assert 2 * len(blocks) == len(re.findall("^```", text, re.MULTILINE)), "a block without a language"
    last: Ran | None = None
    for language, info, body in blocks:
        said = attributes(info)
        if "file" in said:
            (folder / said["file"]).write_text(body, encoding="utf-8")
        elif language == "python":
            capsys.readouterr()
            exec(compile(body, "the page", "exec"), {})
            said_behind = PRINTED.findall(body)
            assert capsys.readouterr().out.splitlines()[: len(said_behind)] == said_behind, body
        elif language == "sh":
            for line in body.strip().splitlines():
                last = run_line(line, exit_code=int(said.get("exit", 0)), quick=quick)
        elif language == "text":
            assert last is not None, body
            if last.result.exit_code:
                # notes come before an error, fewer if the data were read before
                assert body.splitlines()[-1] == last.result.output.splitlines()[-1], last.result.output
            else:
                assert shown_costs(body), body
                assert shown_costs(body) == shown_costs(last.result.output), last.result.output
        else:
            pytest.fail(f"a {language} block that nothing runs:\n{body}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, the current one, with a cache of its own; operations that a page
    adds go again.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known = dict(OPERATIONS)
    yield tmp_path
    OPERATIONS.clear()
    OPERATIONS.update(known)


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_of_the_page_does_what_it_says(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    follow((ROOT / "docs" / page).read_text(encoding="utf-8"), folder, capsys)


def test_every_snippet_of_the_readme_does_what_it_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (small,) = (body for language, info, body in BLOCK.findall(text) if "file=small.dot" in info)
    (folder / "fabrics").mkdir()
    (folder / "fabrics" / "digits.dot").write_text(small, encoding="utf-8")
    assert (ROOT / "fabrics" / "digits.dot").exists()
    recipe = bsngraph.Recipe(epochs=1, batch_size=512)
    settings = bsngraph.SearchSettings(finalists=0, finetune_epochs=0, candidates=2)
    real = bsngraph.search

    def quick_search(fabric: bsngraph.Fabric, data: str, budgets: Sequence[str], **said: object) -> object:
        return real(fabric, data, budgets, **{**said, "recipe": recipe, "settings": settings, "threads": 1})

    monkeypatch.setattr(bsngraph, "search", quick_search)
    follow(text, folder, capsys, quick=True)


def test_the_readme_shows_every_command() -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [line for language, _, body in blocks if language == "sh" for line in body.splitlines()]
    assert {line.split()[1] for line in lines if line.startswith("bsngraph ")} == set(COMMANDS)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("```sh\nbsngraph serach small.dot\n```\n", "No such command 'serach'"),
        ("```sh\nbsngraph costs --certificate\n```\n", "No such option"),
        ("```sh exit=1\nbsngraph costs\n```\n", "bsngraph costs"),
        ("```sh\nmake tests\n```\n", "make tests"),
        ("```sh\npip install -c constraints.txt '.[drawing]'\n```\n", "drawing"),
        ("```sh\nrm -r runs\n```\n", "rm -r runs"),
        ('```dot file=a.dot\ndigraph { a -> b [op=cnov]; }\n```\n```sh\nbsngraph check a.dot\n```\n', "cnov"),
        ("```python\nprint(1 + 1)  # 3\n```\n", "1 [+] 1"),
        ("```sh exit=2\nbsngraph check none.dot\n```\n```text\nError: other\n```\n", "none.dot"),
        ("```yaml\na: b\n```\n", "a yaml block that nothing runs"),
        ("```\nbsngraph serach\n```\n", "without a language"),
    ],
)  # fmt: skip
def test_a_page_that_says_what_is_not_so_fails(
    wrong: str, what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=what):
        follow(wrong, folder, capsys, quick=True)


def test_a_page_whose_printed_table_is_out_of_date_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = text[: text.index("## When a budget is impossible")]
    follow(first, folder, capsys, quick=True)
    (folder / "again").mkdir()
    stale = first.replace("│ 198 k ", "│ 199 k ").replace("runs/first", "again/first")
    with pytest.raises(AssertionError, match="198 k"):
        follow(stale, folder, capsys, quick=True)


def options_of(command: click.Command) -> Iterator[str]:
    """The options of a command and of those below it."""
    for option in command.params:
        yield from (*option.opts, *option.secondary_opts)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options_of(below)


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_that_a_page_speaks_of_exists(page: Path) -> None:
    spoken = set(OPTION.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))))
    assert spoken - {"--help"} <= set(options_of(cli))


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = {one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))}
    assert links
    gone = [
        link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert not gone
