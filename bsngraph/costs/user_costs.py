"""Costs of the user's own: a Python function from an architecture to a number.

Nothing is known of such a cost but its values.

In: `name=FILE.py:function`, or a function from Python. Out: a `BlackBox`, whose value
for live edges (batch, edges) is (batch,), like that of any other cost. The function
gets the architecture as a `Fabric` of its live edges, all fixed, with what is computed
as information: `edge.op`, `edge.arguments`, `edge.computed["macs"]`,
`edge.costs["energy"]`, `node.tensor` (the shape of one example). It is called once for
each architecture, in a thread that is left behind when it takes too long.
"""

from __future__ import annotations

import contextlib
import math
import queue
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from types import FunctionType

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.costs.table import COSTS
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Booleans, Fabric, prune_fabric
from bsngraph.ops.user_code.running_code import failure, run_file
from bsngraph.profile import FabricProfile
from bsngraph.wording import quantity

CostFunction = Callable[[Fabric], float]

TIMEOUT_S = 10.0
REMEMBERED = 100_000

_NAME = re.compile(r"[^\W\d]\w*")
_HOW = "write --cost NAME=FILE.py:FUNCTION, e.g. --cost energy=my_costs.py:energy"


class BlackBox:
    """A cost of which only the values are known.

    They have no unit. At most `remembered` of them are remembered, by architecture.
    """

    unit = ""

    def __init__(
        self,
        name: str,
        function: CostFunction,
        profile: FabricProfile,
        *,
        timeout_s: float = TIMEOUT_S,
        code: str = "",
        remembered: int = REMEMBERED,
    ) -> None:
        if not (math.isfinite(timeout_s) and timeout_s > 0):
            raise InputError(f"--cost-timeout {timeout_s:g} must be a positive number of seconds")
        check_cost_name(name, profile.fabric)
        self.name, self.function, self.timeout_s, self.remembered = name, function, timeout_s, remembered
        home = getattr(function, "__module__", "python")
        self.code = code or f"{home}:{getattr(function, '__qualname__', repr(function))}"
        self._profile, self._annotated = profile, profile.annotated()
        self._values: OrderedDict[bytes, float] = OrderedDict()

    def of(self, live: Booleans) -> Costs:
        """The cost of each sample: live edges (batch, edges) Boolean → (batch,).

        A sample without live edges costs nothing.

        Raises:
            InputError: the function fails, takes longer than `timeout_s`, or gives what
                is no finite number of at least 0.
        """
        rows = np.packbits(live, axis=1)
        keys = [row.tobytes() for row in rows]
        masks = {key: mask for key, mask in zip(keys, live, strict=True) if key not in self._values}
        found = {key: self._values[key] for key in keys if key not in masks}
        found |= self._ask(masks)
        for key in found:
            self._values[key] = found[key]
            self._values.move_to_end(key)
        while len(self._values) > self.remembered:
            self._values.popitem(last=False)
        return np.array([found[key] for key in keys], dtype=np.float64)

    @property
    def total(self) -> float:
        """The cost of the whole fabric."""
        return float(self.of(np.ones((1, len(self._annotated.edges)), dtype=np.bool_))[0])

    def _ask(self, masks: Mapping[bytes, Booleans]) -> dict[bytes, float]:
        empty = {key: 0.0 for key, mask in masks.items() if not mask.any()}
        asked = {key: self._architecture(mask) for key, mask in masks.items() if key not in empty}
        answers = call_each(self.function, [_copy(fabric) for fabric in asked.values()], self.timeout_s)
        found = {}
        for (key, architecture), answer in zip(asked.items(), answers, strict=False):
            found[key] = self._checked(architecture, answer)
        return empty | found

    def _architecture(self, mask: Booleans) -> Fabric:
        live = tuple(int(edge) for edge in np.flatnonzero(mask))
        return prune_fabric(self._annotated, Architecture(len(mask), live), self._profile.edge_shapes)

    def _checked(self, architecture: Fabric, answer: object) -> float:
        count, macs = len(architecture.edges), sum(edge.computed["macs"] for edge in architecture.edges)
        where = (
            f"cost {self.name!r} ({self.code}) for an architecture of {count} "
            f"edge{'s' * (count != 1)} and {quantity(macs)} MACs"
        )
        if isinstance(answer, _Late):
            raise InputError(
                f"{where} gave nothing in {self.timeout_s:g} s: make it faster, or allow more by "
                "--cost-timeout"
            )
        if isinstance(answer, _Failed):
            raise InputError(f"{where} failed: {failure(answer.error, self.code)}") from answer.error
        if not isinstance(answer, Real) or isinstance(answer, bool):
            raise InputError(
                f"{where} gave {answer!r:.80} of type {type(answer).__name__}: it must give a number"
            )
        try:
            value = float(answer)
        except OverflowError:
            value = math.inf
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{where} gave {value!r}: a cost is a finite number, 0 or more")
        return value


def _copy(fabric: Fabric) -> Fabric:
    """A copy that shares nothing with the fabric, so that a function may do to it what
    it likes.
    """
    nodes = [replace(node, style=dict(node.style)) for node in fabric.nodes]
    edges = [
        replace(
            edge,
            arguments=dict(edge.arguments),
            costs=dict(edge.costs),
            style=dict(edge.style),
            computed=dict(edge.computed),
        )
        for edge in fabric.edges
    ]
    return replace(fabric, nodes=tuple(nodes), edges=tuple(edges), style=dict(fabric.style))


def load_user_cost(text: str, profile: FabricProfile, *, timeout_s: float = TIMEOUT_S) -> BlackBox:
    """The cost that `--cost NAME=FILE.py:FUNCTION` names, for one fabric.

    Raises:
        InputError: the text does not read so, the name is taken, the file cannot be
            read or fails, or has no such function.
    """
    name, code = _name_and_code(text)
    check_cost_name(name, profile.fabric)
    return BlackBox(name, load_cost_function(text)[1], profile, timeout_s=timeout_s, code=code)


def load_cost_function(text: str) -> tuple[str, CostFunction]:
    """The name and the function of `NAME=FILE.py:FUNCTION`; runs the file.

    Raises:
        InputError: the text does not read so, the file cannot be read or fails, or has
            no such function.
    """
    name, code = _name_and_code(text)
    file, _, function_name = code.rpartition(":")
    module = run_file(Path(file), "costs", _HOW)
    function = getattr(module, function_name, None)
    if not callable(function):
        has = sorted(word for word, value in vars(module).items() if isinstance(value, FunctionType))
        raise InputError(f"{file} has no function {function_name!r}: it has {', '.join(has) or 'none'}")
    return name, function


def _name_and_code(text: str) -> tuple[str, str]:
    name, _, code = text.partition("=")
    file, _, function_name = code.rpartition(":")
    if not (name and file and function_name):
        raise InputError(f"--cost {text!r} does not read NAME=FILE.py:FUNCTION: {_HOW}")
    return name, code


def check_cost_name(name: str, fabric: Fabric) -> None:
    """Whether a cost of the user's own may bear a name.

    Raises:
        InputError: it is no word, a computed cost's, or an annotation's of the fabric.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a cost: use letters, digits and _, a letter first")
    if name in COSTS:
        raise InputError(f"cost {name!r} is computed already: give yours another name")
    if any(name in edge.costs for edge in fabric.edges):
        raise InputError(f"cost {name!r} stands in the fabric's file as cost_{name}: give yours another name")


class _Late:
    """No answer in time."""


class _Failed:
    """An error instead of an answer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def call_each(function: CostFunction, arguments: Sequence[Fabric], timeout_s: float) -> list[object]:
    """The function's answer to each argument, up to the first that fails or is late.

    A call that fails gives a `_Failed`, one that is late a `_Late`. The calls run in a
    thread of their own. An alarm would end a late call, but only where the main thread
    asks, where nobody else has set one, and where the function does not catch it; this
    works everywhere. The late call is left behind and ends with the process. What the
    function prints meanwhile goes to stderr.
    """
    answers: queue.SimpleQueue[object] = queue.SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        for argument in arguments:
            try:
                answers.put(function(argument))
            except BaseException as error:  # whatever it is, the one who waits must know
                answers.put(_Failed(error))
                return
            if given_up.is_set():
                return

    with contextlib.redirect_stdout(sys.stderr):
        if arguments:
            threading.Thread(target=work, name="bsngraph cost", daemon=True).start()
        return _collected(answers, given_up, len(arguments), timeout_s)


def _collected(
    answers: queue.SimpleQueue[object], given_up: threading.Event, count: int, timeout_s: float
) -> list[object]:
    """Up to `count` answers, until one fails or is late."""
    found: list[object] = []
    for _ in range(count):
        try:
            found.append(answers.get(timeout=timeout_s))
        except queue.Empty:
            given_up.set()
            found.append(_Late())
        except BaseException:  # Ctrl-C while waiting
            given_up.set()
            raise
        if isinstance(found[-1], _Late | _Failed):
            break
    return found
