"""A new user's first quarter of an hour: ten commands and ten lines of Python, as the
README has them, in an empty folder with nothing else at hand.

Only what is slow is made short, by options that every user has. And the shell completes
what is typed.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class
from click.testing import CliRunner
from test_docs import BLOCK, ROOT

from bsngraph.cli.main import cli

COMMANDS = (
    "check small.dot --budget macs=50%",
    "search small.dot --data digits --budget macs=50% --epochs 8 --threads 1 --out runs/first --seed 0",
    "evaluate runs/first",
    "predict runs/first --data digits -o predicted",
    "verify runs/first",
    "prune runs/first --budget macs=15% --out runs/smaller",
    "report runs/first -o report.html",
    "list runs --costs macs,params --sort metric",
    "export runs/first --format python -o exported",
    "render runs/first -o digits.svg",
)
SHORT = shlex.split("--epochs 1 --batch-size 512 --finalists 0 --finetune-epochs 0 --candidates 4 --quiet")
SEARCHED = 'out="runs/python", seed=0)'
SHORT_IN_PYTHON = (
    'out="runs/python", seed=0, threads=1, recipe=bsngraph.Recipe(epochs=1, batch_size=512), '
    "settings=bsngraph.SearchSettings(finalists=0, finetune_epochs=0, candidates=4))"
)


def test_ten_commands_and_ten_lines_of_python_from_the_readme_work_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    (fabric,) = (body for language, info, body in blocks if language == "dot")
    (python,) = (body for language, _, body in blocks if language == "python")
    shown = [line.partition("#")[0].strip() for language, _, body in blocks for line in body.splitlines()]
    Path("small.dot").write_text(fabric, encoding="utf-8")

    said = dict[str, str]()
    for line in COMMANDS:
        assert f"bsngraph {line}" in shown, "the README has it"
        words = shlex.split(line)
        result = CliRunner().invoke(cli, [*words, *(SHORT if words[0] == "search" else [])])
        assert result.exit_code == 0, f"{line}\n{result.output}"
        said[words[0]] = result.stdout
    assert "accuracy" in said["evaluate"]
    assert all(run in said["list"] for run in ("runs/first", "runs/smaller"))
    left = ("predicted/predictions.csv", "report.html", "exported/model.py", "digits.svg")
    assert all(Path(file).stat().st_size > 100 for file in left)

    assert len(python.splitlines()) == 11, "ten lines and a blank one"
    assert python.count(SEARCHED) == 1
    exec(compile(python.replace(SEARCHED, SHORT_IN_PYTHON), "README.md", "exec"), {})
    found, answers = capsys.readouterr().out.splitlines()
    assert 0 <= float(found.split()[0]) <= 1
    assert len(answers.strip("[]").split()) == 3, answers
    assert Path("python.svg").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_that_the_readme_names_complete_commands_and_options(shell: str) -> None:
    assert f"_BSNGRAPH_COMPLETE={shell}_source bsngraph" in (ROOT / "README.md").read_text(encoding="utf-8")
    found = get_completion_class(shell)
    assert found is not None
    completing = found(cli, {}, "bsngraph", "_BSNGRAPH_COMPLETE")
    assert [each.value for each in completing.get_completions([], "sea")] == ["search"]
    options = [each.value for each in completing.get_completions(["search", "--resume", "RUN"], "--fin")]
    assert options == ["--finalists", "--finalist-epochs", "--finetune-epochs", "--finetune-rate"]
