"""Random damage to valid files in every format gives an error with a place in it, or a
valid fabric; a few damaged files of each are in test_safety.py.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutated_files import bases, mutated, outcome

BASES = bases()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=5000)
@given(st.sampled_from(sorted(BASES)), st.integers(0, 2**64 - 1))
def test_a_damaged_file_gives_an_error_with_a_place_or_a_valid_fabric(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(mutated(BASES[name], Random(seed)))
    assert outcome(path) in ("valid", "FabricError", "InputError")
