"""What every test file shares: one thread, folders that nobody else uses, and examples
that hypothesis draws alike on every machine, so that CI is reproducible.
`--hypothesis-profile=fresh` draws others each time, and more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Before torch is imported, here and in the processes that tests start: for tensors this
# small more threads only wait for each other, and results have the bits of one thread.
os.environ["OMP_NUM_THREADS"] = "1"

settings.register_profile(
    "bsngraph",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fresh", settings.get_profile("bsngraph"), derandomize=False, max_examples=500)
settings.load_profile("bsngraph")


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches, settings of libraries and temporary files lie with those of pytest. Tests
    that run side by side share none of them. They do not wait for the disk, as no test
    cuts the power.
    """
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
            patch.setenv(variable, str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr(os, "fsync", lambda handle: None)
        yield
