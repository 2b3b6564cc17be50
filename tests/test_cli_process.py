"""The command line as a process: Ctrl-C at any moment, streams that take nothing or not
every character, files that are none. Processes run commands that import no torch where
the law is about streams alone: torch takes ten times as long as all the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny import DIGITS, written

from bsngraph.cli.main import cli

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and streams of POSIX")

#: Sends Ctrl-C to itself, once or twice, when a module is imported.
INTERRUPTED = """\
import os, signal, sys
from importlib.abc import MetaPathFinder
from bsngraph.cli.process import main

class Presses(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                for _ in range({more}):
                    os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Presses())
sys.argv = ["bsngraph", *sys.argv[1:]]
main()
"""
ENTRY = "from bsngraph.cli.process import main; main()"


def ended(*arguments: object, code: str = ENTRY, **more: object) -> subprocess.CompletedProcess[bytes]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], timeout=120, **streams)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize(
    "module", ["click", "bsngraph.cli.shared_options", "bsngraph.cli.commands.fabrics.check"]
)
def test_ctrl_c_while_modules_are_imported_exits_130_without_a_traceback(module: str, more: int) -> None:
    result = ended("check", "fabric.dot", code=INTERRUPTED.format(module=module, more=more))
    assert result.returncode == 130
    assert result.stdout == b""
    assert b"Traceback" not in result.stderr


def test_ctrl_c_before_a_run_was_begun_names_no_command_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bsngraph.cli.commands.runs.search.load_profile", stopped)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").write_text("{}")
    line = ["search", str(written(DIGITS, tmp_path)), "--data", "digits", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(cli, [*line, "--overwrite"])
    assert (result.exit_code, result.stderr) == (130, "\nInterrupted.\n")
    result = CliRunner().invoke(cli, [*line, "--resume"])
    assert result.exit_code == 130
    assert result.stderr.endswith(f"  bsngraph search --resume {tmp_path / 'run'}\n")


# --- streams


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_characters_that_an_encoding_lacks_are_replaced(tmp_path: Path, encoding: str, form: str) -> None:
    one = DIGITS.replace(" a ", " Γ名 ")
    files = [written(text, tmp_path, name) for name, text in (("a", one), ("b", one.replace("el=3", "el=5")))]
    paths = [path.rename(path.with_suffix(".dot")) for path in files]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    result = ended("diff", *paths, "--no-costs", "--format", form, env=environment)
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode("utf-8" if encoding == "ascii" else encoding)  # click trusts no ascii
    shown = "Γ名->b#2" if encoding == "ascii" else "??->b#2"
    if form == "json":
        assert [edge["name"] for edge in json.loads(text)["edges"]["changed"]] == [shown]
    else:
        assert text.startswith(f"~ edge {shown}: kernel 3 ")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_check_replaces_characters_that_an_encoding_lacks(tmp_path: Path, encoding: str) -> None:
    fabric = written(DIGITS.replace("tiny_digits", '"Γ-→-名"'), tmp_path)
    result = CliRunner(charset=encoding).invoke(cli, ["check", str(fabric)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("?-?-?: 4 nodes")
    result = CliRunner(charset=encoding).invoke(cli, ["check", str(fabric), "--format", "json"])
    assert (result.exit_code, result.stderr) == (0, "")
    text = result.stdout_bytes.decode("utf-8" if encoding == "ascii" else encoding)  # as above
    assert json.loads(text)["name"] == ("Γ-→-名" if encoding == "ascii" else "?-?-?")


def test_an_error_with_characters_that_an_encoding_lacks_is_shown() -> None:
    result = ended("diff", "Γ-名.dot", "Γ-名.dot", env=os.environ | {"PYTHONIOENCODING": "cp1252"})
    assert result.returncode == 2
    assert result.stderr.startswith(b"Error: ?-?.dot: cannot be read")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", [("ops",), ("costs", "--format", "json"), ("--help",), ("data",)])
def test_a_full_stdout_is_an_error_without_a_traceback(command: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        result = ended(*command, stdout=full)
    assert result.returncode == 1
    assert result.stderr == b"Error: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", [("ops",), ("costs", "--format", "json"), ("--help",)])
def test_where_stderr_is_full_too_the_exit_code_tells(command: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        assert ended(*command, stdout=full, stderr=full).returncode == 1


def test_a_stdout_that_nobody_reads_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = ended("ops", stdout=writing)
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, b"")


def test_closed_streams_are_written_to_nowhere(tmp_path: Path) -> None:
    fabric = written(DIGITS, tmp_path)
    for command, closed in (
        ("costs", ">&-"),
        ("costs", "2>&-"),
        ("costs", ">&- 2>&-"),
        (f'check "{fabric}"', "<&- >&- 2>&-"),  # its files and torch's take the numbers of the streams
    ):
        line = f'exec "{sys.executable}" -c "{ENTRY}" {command} {closed}'
        assert subprocess.run(["sh", "-c", line], timeout=120).returncode == 0, line


# --- what is no file


def test_a_file_name_that_is_not_utf_8_is_read_and_told(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.dot"
    for code, content in ((2, b"digraph {"), (0, DIGITS.encode())):
        with open(odd, "wb") as file:
            file.write(content)
        line = [sys.executable, "-c", ENTRY, "diff", odd, odd, "--no-costs"]
        done = subprocess.run(line, capture_output=True, timeout=120)
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        result = CliRunner().invoke(cli, ["check", os.fsdecode(odd)])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize("what", ["pipe", "folder", "/dev/zero"])
@pytest.mark.parametrize(
    "line",
    ["check X", "render X -o out.svg", "check F --ops X", "data csv:X", "data npz:X", "data --data-code X:f"],
)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, what: str, line: str) -> None:
    suffix = (
        ".py"
        if "code" in line or "ops" in line
        else ".csv"
        if "csv" in line
        else ".npz"
        if "npz" in line
        else ".dot"
    )
    path = Path(what) if what.startswith("/") else tmp_path / f"it{suffix}"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    words = line.replace("F", str(written(DIGITS, tmp_path, "fabric.dot"))).replace("X", str(path)).split()
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Error: "), result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "search F --data digits --out E", "train F --data digits --out E", "predict E --data digits -o out",
        "predict F --data digits -o E", "render F -o E", "diff F F -o E", "fabric resnet -o E", "check E",
        "search F --data digits --out out --warm-start E",
    ],
)  # fmt: skip
def test_an_empty_path_is_refused(line: str) -> None:
    result = CliRunner().invoke(cli, ["" if word == "E" else word for word in line.split()])
    assert result.exit_code == 2
    assert "the path is empty: name a file or a folder" in result.stderr
