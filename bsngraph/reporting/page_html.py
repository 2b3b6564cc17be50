"""Sections → the text of the page: templates, scripts, styles, and the policy that lets
nothing else run.

Everything that comes from a run's files is text. Jinja escapes it, and characters that
cannot be seen, such as those that turn the direction of writing, are replaced before.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bsngraph._version import __version__
from bsngraph.reporting.picture import picture_script, picture_style
from bsngraph.reporting.sections.comparison import Comparison
from bsngraph.reporting.sections.run_page import RunPage
from bsngraph.wording import printable

_ASSETS = resources.files(__package__) / "assets"
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def page_html(title: str, pages: Sequence[RunPage], comparison: Comparison | None) -> str:
    """The page as one HTML file that asks for nothing outside it."""
    scripts = [_asset("uPlot.iife.min.js"), _asset("page.js"), picture_script()]
    styles = ["\n".join([_asset("uPlot.min.css"), _asset("page.css"), picture_style()])]
    template = _environment().get_template("page.html")
    return template.render(
        title=title,
        pages=pages,
        comparison=comparison,
        version=__version__,
        # our own files, and none of a run's
        scripts=[Markup(text) for text in scripts],  # noqa: S704
        styles=[Markup(text) for text in styles],  # noqa: S704
        policy=_POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles)),
    )


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )


def _visible(value: Any) -> Any:
    """What is printed in place of a value."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").strip()


def _hashes(texts: Sequence[str]) -> str:
    """What a policy calls inline texts by."""
    digests = [base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{digest}'" for digest in digests)
