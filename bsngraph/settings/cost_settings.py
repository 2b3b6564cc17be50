"""How costs are found: frozen, keyword-only."""

from __future__ import annotations

from dataclasses import dataclass, field

from bsngraph.settings.checking import check_settings
from bsngraph.settings.setting import documented, says


@documented
@dataclass(frozen=True, kw_only=True)
class CostSettings:
    """How the costs of one's own and latencies are found.

    Raises:
        InputError: every value that no cost takes, at once.
    """

    own: tuple[str, ...] = field(
        default=(),
        metadata=says(
            "A cost of your own: a Python function from an architecture to a number. May be repeated.",
            group="budgets",
            option="cost",
            metavar="NAME=FILE.py:FUNCTION",
        ),
    )
    timeout_s: float = field(
        default=10.0,
        metadata=says(
            "Seconds that a call of a cost of your own may take.",
            group="budgets",
            above=0,
            must="be a positive number of seconds",
            option="cost-timeout",
        ),
    )
    latency_batch: int = field(
        default=1,
        metadata=says("Examples that run at once when a latency is measured.", group="budgets", at_least=1),
    )

    def __post_init__(self) -> None:
        check_settings(self)
