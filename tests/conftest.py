import hashlib
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures_database",
    "tests.fixtures_asterisk",
    "tests.fixtures_floor",
    "tests.fixtures_cli",
    "tests.fixtures_prometheus",
]

# A loaded machine is slow at drawing examples too: that says nothing about the code under test.
# The same examples every time, so that a run says whether the code changed and not which dice fell;
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile(
    "prozvon", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "prozvon"))

# pytest closes its common folder in /tmp to others whenever a run begins, also to the account that
# another run's PostgreSQL works under (pytest 9). Each checkout has a folder of its own.
_checkout = hashlib.sha256(os.fsencode(Path(__file__).parents[1])).hexdigest()[:8]
_folder = Path(tempfile.gettempdir()) / f"prozvon-tests-{os.geteuid()}-{_checkout}"
_folder.mkdir(mode=0o711, exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_folder))
