"""How a run looks on a terminal, in a log, and where nothing is to be seen; and that no
name does anything to a terminal.
"""

from __future__ import annotations

import io
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.table import Table
from tiny import DIGITS, no_pictures, written

from bsngraph.cli.display import LiveDisplay, PlainDisplay, progress_display
from bsngraph.cli.live.going_on import keep_words, next_commands
from bsngraph.cli.live.pace import Pace, PlannedStage, clock_text, plan_of_search
from bsngraph.cli.live.view import RunView
from bsngraph.cli.main import cli
from bsngraph.cli.tables.printing import NameSafeConsole
from bsngraph.runs import RunFolder
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.wording import printable_lines, shell_word

PLAN = [PlannedStage("search", 4), PlannedStage("finalists", 6), PlannedStage("finetune", 2)]
HOSTILE = "[/x]\x1b[2J\u202e:heart:\x07"
ROW = {
    "epoch": 1,
    "train_loss": 0.5,
    "validation_accuracy": 0.75,
    "costs": {"macs": {"sampled": 1.2e6}, "steps:4": {"sampled": 11.0}},
    "limits": {"macs": 1e6, "steps:4": 12.0},
    "incumbent": None,
    "entropy": 0.25,
}
FAST = ("--epochs", 1, "--batch-size", 256, "--finetune-epochs", 1, "--candidates", 2, "--finalists", 0)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# --- times


def test_the_time_of_the_whole_is_known_after_the_first_epoch() -> None:
    clock = Clock()
    pace = Pace(PLAN, clock)
    pace.begin("search", 4, 0)
    assert (pace.stage_left(), pace.left()) == (None, None)
    clock.now = 10
    pace.epoch(1)
    assert pace.stage_left() == 30
    assert pace.left() == 30 + (6 + 2) * 5, "an epoch of one network is taken for half of one of the search"
    for number in (2, 3, 4):
        clock.now += 10
        pace.epoch(number)
    clock.now += 3  # between stages: choosing
    pace.begin("finalists", 6, 0)
    clock.now += 2
    pace.epoch(1)
    assert pace.stage_left() == 5 * 2
    assert pace.left() == 5 * 2 + 2 * 2, "what was measured goes before the guess"
    assert pace.gone() == 45


def test_a_resumed_run_counts_only_what_it_does_itself() -> None:
    clock = Clock()
    pace = Pace(PLAN, clock)
    pace.begin("search", 4, 4)
    assert pace.left() is None
    pace.begin("finalists", 6, 4)
    clock.now = 8
    pace.epoch(5)
    assert (pace.stage_left(), pace.left()) == (8, 8 + 2 * 8)


def test_a_stage_that_ends_early_has_nothing_left_and_one_has_the_epochs_that_it_begins_with() -> None:
    clock = Clock()
    pace = Pace(PLAN, clock)
    pace.begin("search", 4, 4)
    pace.begin("finalists", 6, 0)
    clock.now = 1
    pace.epoch(1)
    pace.begin("finetune", 6, 0)  # of three networks, where one was planned
    for epoch in range(1, 7):
        clock.now += 1
        pace.epoch(epoch)
        assert pace.left() == 6 - epoch
    assert [(stage.name, stage.done, stage.epochs) for stage in pace.stages] == [
        ("search", 4, 4),
        ("finalists", 1, 6),
        ("finetune", 6, 6),
    ]


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.1, 50)), min_size=1, max_size=4))
def test_times_left_are_never_negative_and_end_at_nothing(stages: list[tuple[int, float]]) -> None:
    clock = Clock()
    pace = Pace([PlannedStage(f"stage {number}", epochs) for number, (epochs, _) in enumerate(stages)], clock)
    for number, (epochs, seconds) in enumerate(stages):
        pace.begin(f"stage {number}", epochs, 0)
        for epoch in range(1, epochs + 1):
            clock.now += seconds
            pace.epoch(epoch)
            left, stage_left = pace.left(), pace.stage_left()
            assert left is not None
            assert stage_left is not None
            assert left >= stage_left >= 0
    assert pace.left() == 0


def test_a_search_is_planned_by_its_settings() -> None:
    plan = plan_of_search(Recipe(epochs=5), SearchSettings(finalists=3, finalist_epochs=4, finetune_epochs=0))
    assert [(each.name, each.epochs) for each in plan] == [("search", 5), ("finalists", 12), ("finetune", 0)]
    front = plan_of_search(Recipe(epochs=5), SearchSettings(finalists=0, finetune_epochs=4), 9)
    assert [each.epochs for each in front] == [5, 0, 36]
    one = plan_of_search(Recipe(), SearchSettings(finalists=1))
    assert [stage.name for stage in Pace(one).stages] == ["search", "finetune"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (600, "10:00"), (3900, "1:05:00")]
)
def test_times_read_as_a_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


# --- the view


def drawn(width: int, change: Callable[[RunView], object] = lambda view: None, **more: Any) -> list[str]:
    clock = Clock()
    view = RunView(Pace(PLAN, clock), whole=True)
    view.pace.begin("search", 4, 0)
    clock.now = 75
    view.pace.epoch(1)
    view.row = ROW
    change(view)
    stream = io.StringIO()
    NameSafeConsole(file=stream, width=width, **more).print(view)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_view_fits_the_terminal_and_says_all(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    first = [line.split()[0] for line in lines]
    assert first[:6] == ["learning", "finalists", "fine-tuning", "certifying", "macs", "steps:4"]
    text = " ".join(" ".join(lines).split())
    assert "loss 0.500 accuracy 75.0 % none feasible yet entropy 0.25" in text
    assert "1:15 gone, about 8:45 left in all" in text
    if width >= 60:
        assert "1/4 epochs, 3:45 left" in lines[0]
        assert "1.2 M of 1 M now, over" in lines[4]
        assert lines[5].endswith("11 of 12 now")


def test_the_view_shows_what_is_certified_and_that_all_is_done() -> None:
    def all_epochs(view: RunView) -> None:
        view.pace.begin("finetune", 2, 2)

    def finished(view: RunView) -> None:
        all_epochs(view)
        view.closed = view.finished = True

    assert "measuring on test data" in drawn(80, all_epochs)[3]
    lines = drawn(80, finished)
    assert lines[3].endswith("done")
    assert lines[-1] == "1:15 in all"


def test_names_cannot_break_the_view() -> None:
    def hostile(view: RunView) -> None:
        view.row = {**ROW, "costs": {HOSTILE: {"sampled": 1.0}}, "limits": {HOSTILE: 2.0}}

    text = "\n".join(drawn(80, hostile))
    assert "[/x]\ufffd" in text
    assert not any(letter in text for letter in "\x1b\u202e\x07")


def live(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(
        "bsngraph.cli.display.plain_console",
        lambda stderr: NameSafeConsole(file=stream, force_terminal=True, width=80, markup=False),
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    return stream


def test_one_view_lasts_for_the_whole_run_and_ends_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = live(monkeypatch)
    with click.Context(click.Command("search")):
        display = progress_display(False, PLAN)
        assert isinstance(display, LiveDisplay)
        for name, epochs in (("search", 4), ("finalists", 6), ("finetune", 2)):
            display.stage(name, epochs, 0)
            for epoch in range(1, epochs + 1):
                display.epoch(ROW | {"epoch": epoch})
            display.note(f"a note on {HOSTILE}")
        display.finish()
    text = stream.getvalue()
    assert text.count("\x1b[?25l") == 1, "one view, begun once"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "\x1b[2J" not in text, "the name clears no screen"
    assert "done" in text[text.rindex("certifying") :]


def test_no_color_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = "\n".join(drawn(80, force_terminal=True))
    assert "\x1b[3" not in text
    assert "\x1b[9" not in text


@pytest.mark.parametrize("terminal", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, terminal: str) -> None:
    monkeypatch.setenv("TERM", terminal)
    live(monkeypatch)
    assert isinstance(progress_display(False, PLAN), PlainDisplay)


def test_plain_lines_say_the_plan_and_then_the_time_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    display = PlainDisplay(PLAN)
    display.stage("search", 4, 0)
    display.epoch(ROW)
    display.note(f"of {HOSTILE}")
    plan, line, note = capsys.readouterr().err.splitlines()
    assert plan == (
        "planned: 4 epochs of learning, 6 of finalists, 2 of fine-tuning; the time of all is known after the "
        "first epoch"
    )
    assert line.startswith(
        "search 1/4  loss 0.500  accuracy 75.0 %  macs 1.2 M (limit now 1 M)  steps:4 11 (limit now 12)  "
        "none feasible yet  entropy 0.25  left 0:00 here, 0:00 in all"
    )
    assert note == "of [/x]\ufffd[2J\ufffd:heart:\ufffd"


# --- names


@given(st.text())
def test_what_is_printed_does_nothing_but_stand_there(text: str) -> None:
    stream = io.StringIO()
    console = NameSafeConsole(file=stream, markup=False, emoji=False, highlight=False, width=10_000)
    table = Table("name")
    table.add_row(text)
    console.print(text)
    console.print(table)
    assert all(letter.isprintable() or letter == "\n" for letter in stream.getvalue())
    assert printable_lines(text).count("\n") == text.count("\n")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_word_for_the_shell_stands_for_itself(word: str) -> None:
    quoted = shell_word(word)
    assert quoted.isprintable()
    if word.isprintable():
        assert shlex.split(quoted) == [word]


def test_a_shell_reads_words_that_cannot_be_printed() -> None:
    words = ["a b", "it's", "\x1b[2J", "new\nline", "\u202eright", "\\'\t", "ü"]
    line = "printf '%s\\0' " + " ".join(map(shell_word, words))
    said = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout
    assert said.decode("utf-8").split("\0")[:-1] == words


def test_an_error_prints_no_escape_sequence() -> None:
    result = CliRunner().invoke(cli, ["check", f"{HOSTILE}.dot"], color=True)
    assert result.exit_code == 2
    assert "[/x]\ufffd[2J\ufffd:heart:\ufffd.dot: cannot be read" in result.stderr


# --- what a run prints in the end


def invoke(*words: object) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run folder with a space and a quote in its name, and what its search said."""
    folder = tmp_path_factory.mktemp("display")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        out = folder / "it's a run"
        words = ("--data", "digits", "--budget", "energy=8", "--threads", 1, "--out", out)
        return out, invoke("search", written(DIGITS, folder), *words, *FAST).stdout


def suggested(text: str) -> list[list[str]]:
    lines = text.partition("next:\n")[2].splitlines()
    return [shlex.split(line) for line in lines]


def test_a_search_ends_with_three_commands_that_work(
    finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, text = finished
    no_pictures(monkeypatch)
    commands = suggested(text)
    assert [command[:3] for command in commands] == [
        ["bsngraph", name, str(run)] for name in ("report", "export", "prune")
    ]
    for command in commands[1:]:
        quick = ["--threads", "1", "--quiet"] if command[1] == "prune" else []
        invoke(*command[1:], *quick)


def test_a_quiet_search_prints_its_result_and_no_more(
    finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pictures(monkeypatch)
    words = ("--data", "digits", "--threads", 1, "--out", tmp_path / "run", "--quiet")
    result = invoke("train", written(DIGITS, tmp_path), *words, *FAST[:4])
    assert result.stderr == ""
    assert "test accuracy" in result.stdout
    assert "next:" not in result.stdout


def test_code_of_ones_own_is_named_in_the_commands_again(finished: tuple[Path, str]) -> None:
    run, _ = finished
    folder = RunFolder(run)
    context = click.Context(click.Command("bsngraph"))
    keep_words(
        context,
        [
            "search",
            "f.dot",
            "--ops",
            "my ops.py",
            "--data-code=d.py:load",
            "--cost",
            "a=c.py:f",
            "--out",
            "r",
        ],
    )
    summary = {"budgets": [], "costs": {"macs": {"value": 4.0, "cheapest": 5.0, "fabric": 10.0}}}
    with context:
        report, export, prune = next_commands(Path("r"), folder.read_config(), summary)
    assert report == "bsngraph report r -o r.html --ops 'my ops.py'"
    assert export == (
        "bsngraph export r --format python --data-code d.py:load -o r-exported --ops 'my ops.py'"
    )
    assert prune == (
        "bsngraph prune r --budget macs=50% --data-code d.py:load --cost a=c.py:f --out r-smaller "
        "--ops 'my ops.py'"
    )


def test_after_a_range_the_front_is_named(finished: tuple[Path, str]) -> None:
    config = RunFolder(finished[0]).read_config()
    ranged = replace(config, budgets=(replace(config.budgets[0], least=1.0),))
    with click.Context(click.Command("bsngraph")):
        assert next_commands(Path("r"), ranged, {})[2] == "bsngraph front r"
