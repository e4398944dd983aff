"""PURE. Who decides a dial: the modes, by the names that people write."""

from __future__ import annotations

BROADCAST = "broadcast"
"""Without operators: an answered person hears a message."""
BY_HAND = ("manual", "preview")
"""A person decides every dial."""
MODES = (*BY_HAND, "progressive", "predictive", BROADCAST)
