"""The demo's own legal profile: nobody is really called, so that it dials at any hour."""

from __future__ import annotations

from typing import Any

ALL_DAY = [["00:00", "24:00"]]
OPEN_PROFILE: dict[str, Any] = {
    "title": {"en": "The demo: simulated people", "ru": "Демонстрация: люди ненастоящие"},
    "modes": ["manual", "preview", "progressive", "predictive", "broadcast"],
    "minimum_ring_s": 3,
    "abandonment": {"max_rate": 1, "window_s": 86400, "operator_within_s": 2},
    "hours": {"workday": ALL_DAY, "weekend": ALL_DAY, "holiday": ALL_DAY},
    "after_abandoned": {"pause_s": 259200},
    "message": {"name": False, "number": False},
}
