"""Identifiers: with their time in them, and of ourselves."""

from __future__ import annotations

import secrets
from uuid import UUID

SIP_REALM = "prozvon"
"""Part of every phone's digest, so it cannot change without new passwords for all phones."""


def made_at(id: UUID) -> float:
    """The time in a UUIDv7, epoch seconds."""
    return (id.int >> 80) / 1000


def new_id(now: float) -> UUID:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds since the epoch, then randomness."""
    value = (int(now * 1000) & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
