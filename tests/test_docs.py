"""Every file and command in the documentation is run, in the order in which it
stands.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bsngraph.cli.main import cli
from bsngraph.ops import OPERATIONS

ROOT = Path(__file__).parents[1]
PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "ARCHITECTURE.md")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)


def attributes(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split())


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_of_the_page_does_what_it_says(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    known = dict(OPERATIONS)
    ran = 0
    try:
        for language, info, body in BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
            said = attributes(info)
            if "file" in said:
                (tmp_path / said["file"]).write_text(body, encoding="utf-8")
            elif language == "python":
                capsys.readouterr()
                exec(compile(body, page, "exec"), {})
                said_behind = PRINTED.findall(body)
                assert capsys.readouterr().out.splitlines()[: len(said_behind)] == said_behind, body
            elif language == "sh":
                for line in body.strip().splitlines():
                    program, *arguments = shlex.split(line, comments=True)
                    assert program == "bsngraph", line
                    result = CliRunner().invoke(cli, arguments)
                    assert result.exit_code == int(said.get("exit", 0)), f"{line}\n{result.output}"
                    ran += 1
            else:
                pytest.fail(f"a {language} block that nothing runs:\n{body}")
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(known)
    assert ran
