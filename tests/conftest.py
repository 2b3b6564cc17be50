"""What every test file shares: hypothesis draws the same examples on every machine, so
that CI is reproducible. `--hypothesis-profile=fresh` draws others each time, and more.
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
settings.register_profile("fresh", settings.get_profile("bsngraph"), derandomize=False, max_examples=500)
settings.load_profile("bsngraph")
