"""Checking a certificate against the network it was made for: everything it says is
counted again.

In: a run folder with certificate.json. Out: a `Verification`, one `Check` for each
statement. What can only be told here and now, like a latency on another machine, is
stated and neither passes nor fails.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bsngraph.certificate.certificate import (
    CERTIFICATE,
    FORMAT,
    ROUNDING,
    BudgetClaim,
    Json,
    Means,
    count_asked,
    judge,
    recount,
    seal,
    versions,
)
from bsngraph.delivered import load_network
from bsngraph.delivered.network_files import GRAPH, WEIGHTS, file_hash, weights_hash
from bsngraph.errors import InputError
from bsngraph.supernet import SuperNet
from bsngraph.wording import quantity

_MOST_THREADS = 1024
_MOST_EXAMPLES = 65_536


@dataclass(frozen=True)
class Check:
    """One statement: what the certificate says, what was found, and whether they agree
    (None: it can only be stated).
    """

    name: str
    expected: str
    found: str
    ok: bool | None


@dataclass(frozen=True)
class Verification:
    """All checks of a certificate."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether none failed."""
        return all(check.ok is not False for check in self.checks)

    def to_json(self) -> Json:
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


def read_certificate(folder: Path) -> Json:
    """A run folder's certificate.

    Raises:
        InputError: there is none, or it is no certificate of this format.
    """
    path = folder / CERTIFICATE
    value = _read(path)
    if value is None:
        raise InputError(f"{path}: there is no certificate: is {folder} the folder of a finished run?")
    try:
        if value["format"] != FORMAT:
            raise InputError(
                f"{path}: its format is {value['format']!r}, and this version reads {FORMAT}: update bsngraph"
            )
        for name in ("versions", "files", "costs"):
            value[name].items()
        for budget in value["budgets"]:
            _claim(budget)
        for cost in value["costs"].values():
            _check_entry(cost)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: is no certificate ({type(error).__name__}: {error}): make the run again"
        ) from None
    return value


def _check_entry(cost: Mapping[str, Any]) -> None:
    """Raise a ValueError or TypeError for what no certificate says: a file may come
    from a stranger, and some of it is acted on.
    """
    float(cost["value"])
    conditions = cost.get("conditions", {})
    if not (
        1 <= int(conditions.get("threads", 1)) <= _MOST_THREADS
        and 1 <= int(conditions.get("batch", 1)) <= _MOST_EXAMPLES
    ):
        raise ValueError("threads or batch cannot be")
    if not all(
        math.isfinite(duration) and duration >= 0 for duration in cost.get("durations_ms", {}).values()
    ):
        raise ValueError("a duration is negative or not finite")


def verify_certificate(folder: Path, means: Means | None = None) -> Verification:
    """Count everything that a certificate says again, on the network that is in the
    folder now.

    A latency is measured under the certificate's own device, threads and batch,
    whatever those of `means`.

    Raises:
        InputError: there is no certificate, or no network that could be checked.
    """
    certificate, means = read_certificate(folder), means or Means()
    checks = [_agreement("seal", certificate.get("seal"), seal(certificate))]
    checks += [_file_check(folder / name, certificate["files"].get(name)) for name in (GRAPH, WEIGHTS)]
    checks += _config_checks(folder, certificate)
    try:
        net = load_network(folder)
    except InputError as error:
        return Verification((*checks, Check("network", "loads", str(error), False)))
    checks.append(_agreement("weights", certificate.get("weights"), weights_hash(net)))
    costs = recount(
        net, [name for name in certificate["costs"] if name != "latency"], _completed(means, certificate)
    )
    for name, entry in certificate["costs"].items():
        checks.append(
            _latency(net, entry, means) if name == "latency" else _cost(name, entry, costs.get(name))
        )
    checks += _result_checks(folder, costs)
    checks += _budget_checks(certificate, costs)
    stated, here = certificate["versions"], versions()
    checks.append(Check("versions", _words(stated), _words(here), True if stated == here else None))
    return Verification(tuple(checks))


def _completed(means: Means, certificate: Json) -> Means:
    """With the durations that the certificate itself records, where none are given."""
    recorded = [
        entry["durations_ms"]
        for entry in certificate["costs"].values()
        if isinstance(entry.get("durations_ms"), dict)
    ]
    return replace(means, durations_ms=recorded[0]) if recorded and means.durations_ms is None else means


def _agreement(name: str, stated: object, found: str) -> Check:
    """Of two hashes."""
    return Check(name, str(stated)[:16], found[:16], stated == found)


def _file_check(path: Path, stated: object) -> Check:
    try:
        return _agreement(f"file {path.name}", stated, file_hash(path))
    except InputError as error:
        return Check(f"file {path.name}", str(stated)[:16], str(error), False)


def _latency(net: SuperNet, stated: Mapping[str, Any], means: Means) -> Check:
    """Measured here under the conditions that the certificate states, as far as they
    can be had.
    """
    conditions = stated.get("conditions", {})
    given = {name: conditions[name] for name in ("device", "threads", "batch") if name in conditions}
    try:
        found = count_asked(net, "latency", replace(means, **given))
    except InputError as error:
        return Check("latency", _spread(stated), str(error), None)
    assert found is not None
    place = "" if found["conditions"] == conditions else ", under other conditions"
    return Check("latency", _spread(stated), _spread(found) + place, None)


def _spread(entry: Mapping[str, Any]) -> str:
    low, high = entry.get("low", math.nan), entry.get("high", math.nan)
    return f"{entry['value']:.4g} ms ({low:.4g} to {high:.4g})"


def _cost(name: str, stated: Mapping[str, Any], found: Mapping[str, Any] | None) -> Check:
    if found is None:
        return Check(f"cost {name}", _amount(stated), "not counted: what it needs is not given", None)
    return Check(f"cost {name}", _amount(stated), _amount(found), _equal(stated["value"], found["value"]))


def _budget_checks(certificate: Json, costs: Mapping[str, Json]) -> Iterator[Check]:
    """Each budget against the cost counted now; one on a latency, or on what cannot be
    counted, against the certificate's own value.
    """
    for stated in certificate["budgets"]:
        claim = _claim(stated)
        entry = costs.get(claim.cost) or certificate["costs"].get(claim.cost)
        if entry is None:
            yield Check(
                f"budget {claim.text}",
                f"limit {quantity(claim.limit)}",
                "the certificate holds no such cost",
                False,
            )
            continue
        judged = judge(claim, float(entry["value"]))
        same = (
            all(_equal(stated.get(name), judged[name]) for name in ("value", "slack"))
            and stated.get("met") == judged["met"]
        )
        met = judged["met"] is not False
        word = {True: "met", False: "not met", None: "a wish"}[judged["met"]]
        left = (
            f"{word}, {quantity(judged['slack'])} left"
            if judged["slack"] >= 0
            else f"{word}, {quantity(-judged['slack'])} over"
        )
        yield Check(
            f"budget {claim.text}",
            f"limit {quantity(claim.limit)}, met: {stated.get('met')}",
            left,
            same and met,
        )


def _config_checks(folder: Path, certificate: Json) -> Iterator[Check]:
    """The budgets are those the run was asked for, where its config.json is there."""
    config = _read(folder / "config.json")
    if config is None:
        return
    asked = [
        (str(b.get("text")), b.get("cost"), b.get("limit"))
        for b in config.get("budgets", [])
        if isinstance(b, dict)
    ]
    stated = [(str(b["text"]), b["cost"], b["limit"]) for b in certificate["budgets"]]
    yield Check("budgets of config.json", _texts(stated), _texts(asked), stated == asked)


def _result_checks(folder: Path, costs: Mapping[str, Json]) -> Iterator[Check]:
    """What result.json says the costs are, where it is there, is what was counted."""
    result = _read(folder / "result.json")
    said = result.get("costs") if result is not None else None
    for name, entry in said.items() if isinstance(said, dict) else ():
        if name in costs and name != "latency" and isinstance(entry, dict):
            value = entry.get("value", math.nan)
            yield Check(
                f"result.json {name}",
                str(value),
                str(costs[name]["value"]),
                _equal(value, costs[name]["value"]),
            )


def _claim(budget: Mapping[str, Any]) -> BudgetClaim:
    return BudgetClaim(str(budget["text"]), str(budget["cost"]), float(budget["limit"]), budget["relation"])


def _equal(one: object, other: float) -> bool:
    return isinstance(one, int | float) and math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING)


def _amount(entry: Mapping[str, Any]) -> str:
    return f"{float(entry['value']):,.10g} {entry.get('unit', '')}".rstrip()


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _texts(budgets: list[tuple[str, Any, Any]]) -> str:
    return ", ".join(text for text, *_ in budgets) or "none"


def _read(path: Path) -> Json | None:
    """A JSON object; None where there is no file.

    Raises:
        InputError: it is something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: is not a JSON object")
    return value
