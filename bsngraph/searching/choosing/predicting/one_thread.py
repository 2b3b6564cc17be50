"""NumPy's and SciPy's linear algebra in one thread.

What a predictor multiplies is small. Several threads spend more time waiting for each
other than they save, and what they give could depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def in_one_thread(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """The function with linear algebra in one thread while it runs."""

    @wraps(function)
    def limited(*args: _Given.args, **given: _Given.kwargs) -> _Result:
        with _linear_algebra().limit(limits=1):
            return function(*args, **given)

    return limited


@cache
def _linear_algebra() -> ThreadpoolController:
    """The libraries that this process has loaded for it."""
    return ThreadpoolController().select(user_api="blas")
