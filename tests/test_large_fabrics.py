"""What reading and compiling do so that large fabrics stay cheap."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from bsngraph.errors import FabricError
from bsngraph.fabric import read_fabric
from bsngraph.supernet import compile_fabric

DIGITS = Path(__file__).parents[1] / "fabrics" / "digits.dot"


@pytest.mark.parametrize("active", [True, False])
def test_reading_and_compiling_leave_the_garbage_collector_as_it_was(active: bool, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dot"
    broken.write_text("digraph {")
    try:
        if not active:
            gc.disable()
        compile_fabric(read_fabric(DIGITS))
        assert gc.isenabled() is active
        with pytest.raises(FabricError):
            read_fabric(broken)
        assert gc.isenabled() is active
    finally:
        gc.enable()
