"""Names are printed as they are: none is taken for markup, an emoji code or a style."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_folders import class_folder
from rich.console import Console
from tiny import no_pictures

import bsngraph
from bsngraph.cli.display import LiveDisplay
from bsngraph.cli.main import cli

#: What rich would take for a closing tag without an opening one, a style, an emoji.
NASTY = ("[/x]", "[bold]b", ":heart:")
FABRIC = """\
digraph {name} {{
  graph [format=1, source={first}, target=scores];
  edge [op=conv, channels=4, kernel=1];
  {first} [input="1x8x8"];
  {first} -> {second} [stride=4, fixed=true];
  {second} -> {third} [key={key}];
  {second} -> {third} [op=identity];
  {third} -> scores [op=classifier, classes=10, fixed=true];
}}
"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


def fabric_text(names: tuple[str, str, str]) -> str:
    first, second, third = map(quoted, names)
    return FABRIC.format(name=first, first=first, second=second, third=third, key=second)


def printed(*arguments: Any) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], env={"COLUMNS": "4000"})
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a fabric with such names, in a folder with such a name."""
    folder = tmp_path_factory.mktemp("names") / "[red]"
    folder.mkdir()
    (folder / "fabric.dot").write_text(fabric_text(NASTY), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        no_pictures(patch)
        fast = ("--epochs", 1, "--batch-size", 256, "--finetune-epochs", 0, "--finalists", 0)
        out = printed(
            "search", folder / "fabric.dot", "--data", "digits", "--budget", "macs=90%", *fast, "--out",
            folder / "[bold]",
        )  # fmt: skip
    assert f"network:  {folder / '[bold]' / 'architecture.dot'}" in out
    return folder / "[bold]"


def test_check_prints_names_as_they_are(run: Path) -> None:
    text = printed("check", run.parent / "fabric.dot")
    assert text.startswith("[/x]: 4 nodes, 4 edges, 2 searchable\n")
    for name in (*NASTY, "[/x]->[bold]b#0", "[bold]b->:heart:#[bold]b"):
        assert f" {name} " in text


def test_explain_verify_and_diff_print_names_as_they_are(run: Path) -> None:
    assert " [/x]->[bold]b#0 " in printed("explain", run)
    assert "the certificate holds" in printed("verify", run)
    assert "edge [bold]b->:heart:#" in printed("diff", run.parent / "fabric.dot", run)


def test_commands_on_runs_print_names_as_they_are(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "[" / "v2]"
    out = printed("prune", run, "--budget", "macs=95%", "--out", folder)
    assert f"network:  {folder / 'architecture.dot'}" in out
    assert printed("evaluate", folder).startswith("digits: test ")
    assert printed("predict", folder, "--data", "digits", "--limit", 2, "-o", tmp_path / "[/x]").endswith(
        f"{tmp_path / '[' / 'x]' / 'predictions.csv'}\n"
    )
    assert f"{tmp_path / '[red].dot'}\n" == printed("render", folder, "-o", tmp_path / "[red].dot")
    said = CliRunner().invoke(cli, ["check", "[/x]:heart:.dot"]).stderr
    assert said.startswith("Error: [/x]:heart:.dot: cannot be read")


def test_one_console_prints_for_all_commands() -> None:
    """It takes no name for markup; click prints texts as they are."""
    package = Path(bsngraph.__file__).parent
    made = [path for path in package.rglob("*.py") if "Console(stderr" in path.read_text(encoding="utf-8")]
    assert made == [package / "cli/tables/printing.py"]


def test_data_prints_class_names_as_they_are(tmp_path: Path) -> None:
    folder = class_folder(tmp_path, {"[bold red]:heart:": 9, "[x]": 9})
    text = printed("data", f"folder:{folder}")
    for name in ("[bold red]:heart:", "[x]"):
        assert f" {name} " in text


def test_progress_prints_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(
        "bsngraph.cli.display.plain_console",
        lambda stderr: Console(file=stream, force_terminal=True, width=200, markup=False),
    )
    display = LiveDisplay()
    display.stage("search", 2, 0)
    display.epoch({"epoch": 1, "train_loss": 1.0, "costs": {"[/x]": {"sampled": 3.0}}})
    display.close()
    assert "[/x] 3" in stream.getvalue()


names = st.text(st.sampled_from("[]/:=# abc@.-_*heart"), min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.tuples(names, names, names).filter(lambda three: len({*three, "scores"}) == 4))
def test_any_name_that_a_fabric_takes_is_printed(tmp_path: Path, three: tuple[str, str, str]) -> None:
    path = tmp_path / "fabric.dot"
    path.write_text(fabric_text(three), encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", str(path)], env={"COLUMNS": "4000"})
    if result.exit_code == 2:
        assert result.output.startswith("Error: "), "a name that no fabric takes"
        return
    assert result.exit_code == 0, (result.output, result.exception)
    for name in three:
        assert name in result.stdout
    assert printed("diff", path, path, "--no-costs") == "no difference\n"
