"""Times that people type: `2026-12-01`, `2026-12-01T10:30`, `10:30`, `+2h`, `+30m`, `+3d`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.moments import meant
from dialer.commands.common import CommandError
from dialer.config import Settings

AHEAD = re.compile(r"\+(\d{1,5})([mhd])\Z")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
CLOCK = re.compile(r"\d{1,2}:\d{2}\Z")


def moment(text: str, settings: Settings, now: datetime | None = None) -> datetime:
    """In the floor's zone where the text names none. Raises CommandError `bad_time`."""
    zone = ZoneInfo(settings.floor.time_zone)
    local = (now or datetime.now(UTC)).astimezone(zone)
    try:
        found: datetime | None = _read(text, local)
    except ValueError:
        found = None
    if found is None or not meant(found):
        raise CommandError(
            "bad_time",
            f"{text!r} is no time; write 2026-12-01T10:30, 10:30, +2h or +3d",
            f"{text!r}: это не время; пишите 2026-12-01T10:30, 10:30, +2h или +3d",
        )
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _read(text: str, local: datetime) -> datetime:
    """Raises ValueError."""
    ahead = AHEAD.match(text)
    if ahead:
        return local + int(ahead[1]) * UNITS[ahead[2]]
    if CLOCK.match(text):
        hour, minute = text.split(":")
        return local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return datetime.fromisoformat(text)
