"""How many random cases each property gets: few by default, more with ``HYPOTHESIS_EXAMPLES=10000``."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "planner",
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "80")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("planner")
