"""`import bsngraph`: what it offers, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bsngraph


@pytest.mark.parametrize("name", bsngraph.__all__)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(bsngraph, name)
    assert value.__doc__
    assert value.__module__.startswith("bsngraph.")


def test_public_names_are_sorted_unique_and_listed() -> None:
    assert list(bsngraph.__all__) == sorted(set(bsngraph.__all__))
    assert set(bsngraph.__all__) <= set(dir(bsngraph))


def test_public_functions_of_the_design_are_there() -> None:
    assert {"read_fabric", "write_fabric", "compile_fabric", "search", "train", "prune", "render"} <= set(
        bsngraph.__all__
    )


def test_every_public_name_can_be_imported_with_a_star() -> None:
    names: dict[str, object] = {}
    exec("from bsngraph import *", names)
    assert set(bsngraph.__all__) <= set(names)


def test_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'bsngraph' has no attribute 'serach'"):
        _ = bsngraph.serach
    assert not hasattr(bsngraph, "torch_thing")


def test_import_is_light_and_reading_a_fabric_needs_no_torch() -> None:
    code = """
import sys
import bsngraph
loaded = {"torch", "sklearn", "scipy", "networkx", "numpy", "rich"} & set(sys.modules)
assert not loaded, loaded
bsngraph.read_fabric, bsngraph.render, bsngraph.InputError
assert "torch" not in sys.modules
bsngraph.compile_fabric
assert "torch" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
