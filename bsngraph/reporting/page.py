"""Run folders → one HTML file, written whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.reporting.facts.run_facts import gather
from bsngraph.reporting.page_html import page_html
from bsngraph.reporting.sections.comparison import compared
from bsngraph.reporting.sections.run_page import page_of
from bsngraph.whole_files import write_whole

_SUFFIXES = (".html", ".htm")


def report(runs: str | Path | Sequence[str | Path], out: str | Path, *, overwrite: bool = False) -> Path:
    """Write the page about one run, or about several side by side.

    The page is one file that needs no other and asks for none. A run that is unfinished
    has a page that says so. Returns the path of the page.

    Raises:
        InputError: a folder holds no run, or a file of it is damaged; `out` is no
            .html, cannot be written to, or is there and is not to be overwritten.
    """
    folders = [Path(runs)] if isinstance(runs, str | Path) else [Path(run) for run in runs]
    page = Path(out)
    _check_output(page, overwrite)
    if not folders:
        raise InputError("a page is about one run or several: name their folders")
    facts = [gather(folder, f"run-{number}-") for number, folder in enumerate(folders, start=1)]
    pages = [page_of(one) for one in facts]
    title = facts[0].name if len(facts) == 1 else f"{len(facts)} runs side by side"
    write_whole(page, page_html(title, pages, compared(facts) if len(facts) > 1 else None))
    return page


def _check_output(page: Path, overwrite: bool) -> None:
    if page.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{page}: a page is written as .html: give it this ending")
    if page.exists() and not overwrite:
        raise InputError(f"{page} is there already: replace it by --overwrite, or give another -o")
