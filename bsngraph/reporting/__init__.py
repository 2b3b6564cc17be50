"""The page that one sends to a colleague: run folders → one HTML file. No torch.

The room is called `reporting` because a package must not hide the public function
`bsngraph.report`.
"""

from bsngraph.reporting.page import report

__all__ = ["report"]
