"""The settings classes: every wrong value is refused by name, all at once, and every
field documents itself.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from bsngraph.costs.user_costs import TIMEOUT_S
from bsngraph.errors import InputError
from bsngraph.settings import CostSettings, Recipe, SearchSettings, setting_rows

NAN, INF = float("nan"), float("inf")
CLASSES = (Recipe, SearchSettings, CostSettings)

#: For each field a value that is allowed and ones that are not.
EDGES: dict[type, dict[str, tuple[list[Any], list[Any]]]] = {
    Recipe: {
        "epochs": ([0, 1], [-1, 1.5, True, "3", None]),
        "batch_size": ([2], [1, 2.0]),
        "optimizer": (["sgd"], ["adam", None]),
        "learning_rate": ([0, 0.0], [-0.1, NAN, INF, np.float64("nan"), "0.1", None]),
        "momentum": ([0], [-0.1, NAN, INF]),
        "nesterov": ([False], [0, 1, None, "yes"]),
        "weight_decay": ([0], [-1e-9, NAN, INF]),
        "drops": ([(), (0.5,)], [(0,), (0.5, 1), (NAN,), [0.5], 0.5, ("a",), None]),
        "clip": ([0.1, INF], [0, -1, NAN, -INF]),
        "augment": ([False], [None, 1]),
        "augmentation": ([None, "flip"], [3, True]),
        "class_weights": ([None, "balanced", (0, 1.5)], ["half", (-1,), (NAN,), (INF,), [1.0], 1.0]),
        "precision": (["bfloat16"], ["float16", "", None, 32]),
    },
    SearchSettings: {
        "burn_in": ([0, 0.6], [-0.1, 0.7, 1.1, NAN, "0"]),
        "settle": ([0.2, 1], [1.1, 0.1, NAN]),
        "aim": ([0.1, 1], [0, 1.1, NAN]),
        "penalty": ([0], [-1, NAN, INF, "auto"]),
        "adapt_penalty": ([False], [0, None]),
        "penalty_form": (["relative"], ["absolut", "absolute", None]),
        "baseline": (["batch-mean"], ["leave-on-out", "", None]),
        "edge_optimizer": (["sgd"], ["Adam", None]),
        "edge_learning_rate": ([0], [-1, NAN, INF]),
        "initial_probability": ([0.1], [0, 1, NAN]),
        "fair_share": ([0], [-0.1, 1, NAN]),
        "shards": ([1, 4], [0, -1, 1.5, True]),
        "reopen": ([0], [-0.1, 1, NAN]),
        "candidates": ([0], [-1, 1.5, True]),
        "neighbour_rounds": ([0], [-1, 0.5]),
        "finalists": ([0], [-1, 1.0]),
        "pool": ([1], [0, -1, 1.5]),
        "finalist_epochs": ([1], [0, 1.5]),
        "finetune_epochs": ([0], [-1, 1.5]),
        "finetune_rate": ([0], [-1, NAN, INF]),
    },
    CostSettings: {
        "own": ([(), ("a=b.py:c",)], ["a=b.py:c", (1,), None]),
        "timeout_s": ([0.1], [0, -1, NAN, INF, "1"]),
        "latency_batch": ([1], [0, 1.5]),
    },
}
CASES = [(kind, name) for kind in CLASSES for name in (row.name for row in setting_rows(kind))]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_field_takes_what_is_right_and_refuses_by_name_what_is_not(kind: Any, name: str) -> None:
    right, wrong = EDGES[kind][name]
    for value in right:
        assert getattr(kind(**{name: value}), name) == value
    word = next(row.word for row in setting_rows(kind) if row.name == name)
    for value in wrong:
        with pytest.raises(InputError, match=f"{word}="):
            kind(**{name: value})


@pytest.mark.parametrize("kind", CLASSES)
def test_everything_wrong_is_said_at_once(kind: Any) -> None:
    wrong = {name: values[0] for name, (_, values) in EDGES[kind].items()}
    with pytest.raises(InputError) as caught:
        kind(**wrong)
    said = str(caught.value).split("; ")
    assert [text.partition("=")[0] for text in said] == [row.word for row in setting_rows(kind)]
    assert all(" must " in text for text in said)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_choice_is_allowed_and_named_where_another_word_is_given(kind: Any) -> None:
    for row in setting_rows(kind):
        if typing.get_origin(row.kind) is not typing.Literal:
            continue
        choices = typing.get_args(row.kind)
        more = {"penalty_form": {"adapt_penalty": False}, "optimizer": {"learning_rate": 0.001}}.get(
            row.name, {}
        )
        for choice in choices:
            assert getattr(kind(**{row.name: choice}, **more), row.name) == choice
        with pytest.raises(InputError, match=f"{row.word}=nonsense must be one of {', '.join(choices)}"):
            kind(**{row.name: "nonsense"})


def test_settings_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(InputError, match=r"burn-in=0\.9 and settle=0\.6 must read"):
        SearchSettings(burn_in=0.9)
    for form in ("absolute", "absolute-distance"):
        with pytest.raises(InputError, match=f"penalty-form={form} .* give a penalty, a number"):
            SearchSettings(penalty_form=form)  # type: ignore[arg-type]
        SearchSettings(penalty_form=form, adapt_penalty=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_field_documents_itself_in_sentences_that_help_shows(kind: Any) -> None:
    rows = setting_rows(kind)
    assert [row.name for row in rows] == [field.name for field in fields(kind)]
    shown = " ".join(inspect.getdoc(kind).split())
    for row in rows:
        assert row.says.meaning[0].isupper() or row.says.meaning.startswith("λ")
        assert row.says.meaning.endswith(".")
        assert f"{row.name}: {row.says.meaning}" in shown


def test_a_call_of_ones_own_cost_may_take_the_same_time_from_python() -> None:
    assert CostSettings().timeout_s == TIMEOUT_S


def test_the_settings_import_no_torch() -> None:
    code = "import sys, bsngraph; bsngraph.Recipe(), bsngraph.SearchSettings(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
