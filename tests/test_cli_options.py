"""Options are made from settings, commands from the table: what one adds in one place
is there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from bsngraph.cli.help_groups import HEADINGS, GroupedCommand
from bsngraph.cli.main import COMMANDS, CommandEntry, cli
from bsngraph.cli.setting_options import set_by_hand, setting_options
from bsngraph.settings import CostSettings, Recipe, SearchSettings, setting_rows
from bsngraph.settings.setting import says


def help_of(name: str) -> str:
    result = CliRunner().invoke(cli, [name, "--help"], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return result.stdout


def options_of(name: str) -> dict[str, click.Option]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return {one.opts[-1].removeprefix("--"): one for one in command.params if isinstance(one, click.Option)}


def default_of(one: click.Option) -> str | None:
    """The default that help shows."""
    said = re.search(r"\[default: (.*)\]", one.help or "")
    return said.group(1) if said else str(one.default) if one.show_default else None


def parse_range(text: str) -> dict[str, Any]:
    low, dots, high = text.partition("..")
    if not dots:
        raise ValueError("must be LOW..HIGH")
    return {"low": int(low), "high": int(high)}


@dataclass(frozen=True, kw_only=True)
class Dummy:
    """One field of every kind that has an option."""

    count: int = field(default=3, metadata=says("A count.", group="learning"))
    share_of: float = field(default=0.5, metadata=says("A share.", group="choosing"))
    word: str | None = field(default=None, metadata=says("A word.", group="data", shown="none at all"))
    kind: Literal["a", "b"] = field(default="b", metadata=says("A kind.", group="delivery"))
    turned: bool = field(default=False, metadata=says("Turn it.", group="hardware"))
    files: tuple[str, ...] = field(default=(), metadata=says("Files.", group="data", option="file"))
    low: int = field(default=1, metadata=says("A range.", group="budgets", option="range", parse=parse_range))
    high: int = field(default=2, metadata=says("Its end.", group="budgets", by_option=False))


@click.command(cls=GroupedCommand)
@setting_options(Dummy)
@click.option("--other", default="o")
def dummy(other: str, **more: Any) -> None:
    """A dummy.

    \b
    Example:
      bsngraph dummy
    """
    found = Dummy(**set_by_hand(Dummy, more))
    click.echo(f"{other} {more} {found}")


def run_dummy(*arguments: str) -> Dummy:
    with click.Context(dummy) as context:
        parsed = dummy.make_context("dummy", list(arguments), parent=context).params
    parsed.pop("other")
    given = set_by_hand(Dummy, parsed)
    assert parsed == {}
    return Dummy(**given)


def test_a_field_has_an_option_of_its_kind() -> None:
    assert run_dummy() == Dummy()
    given = run_dummy(
        *("--count", "4", "--share-of", "0.25", "--word", "w", "--kind", "a", "--turned"),
        *("--file", "x", "--file", "y", "--range", "5..7"),
    )
    assert given == Dummy(
        count=4, share_of=0.25, word="w", kind="a", turned=True, files=("x", "y"), low=5, high=7
    )
    assert run_dummy("--no-turned") == Dummy()


def test_only_what_is_given_is_set_by_hand() -> None:
    parsed = dummy.make_context("dummy", ["--count", "3", "--no-turned"]).params
    assert set_by_hand(Dummy, parsed) == {"count": 3, "turned": False}


def test_an_option_says_its_default_choices_and_meaning_under_its_heading() -> None:
    text = CliRunner().invoke(dummy, ["--help"], env={"COLUMNS": "100"}).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "--count INTEGER A count. [default: 3]",
        "--share-of FLOAT A share. [default: 0.5]",
        "--word TEXT A word. [default: none at all]",
        "--kind [a|b] A kind. [default: b]",
        "--turned / --no-turned Turn it. [default: no-turned]",
        "--file TEXT Files.",
        "--range TEXT A range. [default: 1]",
    ):
        assert line in lines
    assert "--high" not in text
    found = [
        line.removesuffix(":") for line in text.splitlines() if line.removesuffix(":") in HEADINGS.values()
    ]
    assert found == list(HEADINGS.values()), "every group has a heading, in this order"
    assert lines.index("--other TEXT") < lines.index("Data:"), "without a group it is a common one"


def test_a_text_that_a_parser_refuses_is_told_with_its_option() -> None:
    result = CliRunner().invoke(dummy, ["--range", "5"])
    assert str(result.exception) == "--range 5 must be LOW..HIGH"


def test_a_kind_without_an_option_is_refused_when_the_command_is_made() -> None:
    @dataclass(frozen=True)
    class Odd:
        sizes: tuple[int, ...] = field(default=(1,), metadata=says("Sizes.", group="data"))

    with pytest.raises(TypeError, match="sizes"):
        setting_options(Odd)(lambda: None)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("search", (Recipe, SearchSettings, CostSettings)), ("train", (Recipe,)), ("prune", (CostSettings,))],
)
def test_every_setting_of_a_command_stands_in_its_help(name: str, classes: tuple[type, ...]) -> None:
    text = "".join(help_of(name).split())
    for kind in classes:
        for row in setting_rows(kind):
            assert ("".join(row.says.meaning.split()) in text) is row.says.by_option
            assert (f"--{row.word}" in text) or not row.says.by_option


def test_the_options_and_defaults_of_a_search_are_these() -> None:
    """Users have them in their scripts: none is renamed, no default changes unseen."""
    defaults = {
        "epochs": "20 of a search, 60 of one for a range, 60 of a training",
        "batch-size": "32", "optimizer": "sgd", "learning-rate": "0.1", "momentum": "0.9",
        "weight-decay": "0.0005", "drops": "0.6,0.85", "clip": "5", "class-weights": None, "burn-in": "0.2",
        "settle": "0.6", "aim": "0.95", "penalty": "auto", "penalty-form": "relative",
        "baseline": "leave-one-out", "edge-optimizer": "adam", "edge-learning-rate": "0.05",
        "initial-probability": "0.9526", "fair-share": "0.5", "shards": "1", "reopen": "0",
        "candidates": "32", "neighbour-rounds": "1", "finalists": "12", "pool": "4096",
        "finalist-epochs": "8",
        "finetune-epochs": "30", "finetune-rate": "0.02", "augment": "augment", "precision": "float32",
        "augmentation": "as fits the data set", "cost": None, "latencies": None, "cost-timeout": "10",
        "latency-batch": "1", "preset": None, "warm-start": None, "weights": None, "oracle": None,
        "seed": "0", "device": "auto",
        "threads": "torch's own choice", "out": None, "resume": None, "overwrite": None, "config": None,
        "time": None, "set": None, "workers": "one for each thread, if there is work enough",
        "ops": None, "budget": None, "data": None, "data-code": None, "skip-bad": None,
        "task": "as the data says", "quiet": None, "format": "text",
    }  # fmt: skip
    assert {name: default_of(one) for name, one in options_of("search").items()} == defaults


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"fabric"}))
def test_every_line_of_help_can_be_read_without_the_one_above(name: str) -> None:
    for one in options_of(name).values():
        if one.hidden:
            continue
        sentence = (one.help or "").partition("  [default:")[0]
        assert sentence.endswith("."), one.help
        assert sentence.split()[0] not in {"Its", "It", "They", "Their", "Them", "This", "These"}, one.help
        assert len(sentence.split()) > 2, one.help


def test_a_command_is_a_module_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "command_of_ones_own.py").write_text(
        "import click\n\n@click.command()\n@click.argument('name')\ndef command(name):\n"
        '    """Greet NAME."""\n    click.echo(f"Hello {name}")\n',
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "greet", CommandEntry("command_of_ones_own", "Greet somebody."))
    listed = CliRunner().invoke(cli, ["--help"])
    assert "Greet somebody." in listed.stdout
    assert "command_of_ones_own" not in sys.modules, "listing imports no command"
    assert CliRunner().invoke(cli, ["greet", "you"]).stdout == "Hello you\n"
    assert "did you mean 'greet'?" in CliRunner().invoke(cli, ["gret"]).output
