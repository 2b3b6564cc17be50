"""What every test file shares: one thread, folders that nobody else uses, and examples
that hypothesis draws alike on every machine, so that CI is reproducible.
`--hypothesis-profile=fresh` draws others each time, and more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial

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


def pytest_configure(config: pytest.Config) -> None:
    """Caches, settings of libraries and temporary files lie in a folder that ends with
    the tests; tests that run side by side share none. Nobody waits for the disk, as no
    test cuts the power.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # each tmp_path stays to be read
    folder = tempfile.mkdtemp(prefix="bsngraph-tests-")
    config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
        os.environ[variable] = folder
    tempfile.tempdir = folder
    os.fsync = lambda handle: None
