"""What every test file shares: hypothesis draws the same examples on every machine, so
that CI is reproducible.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "bsngraph",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bsngraph")
