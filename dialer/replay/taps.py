"""Where a record listens: at the manager link, FastAGI, the desk, and where calls are placed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dialer.calls import Committing
from dialer.config import Settings
from dialer.operators import Seat
from dialer.recovery import History
from dialer.replay.history import as_fields
from dialer.replay.recorder import FORMAT

if TYPE_CHECKING:
    from dialer.app import App
    from dialer.replay.recorder import Sink

FLOOR = frozenset({"time_zone", "phone_region", "answer_limit_s", "drain_limit_s"})
TRUNK = frozenset({"name", "lines", "calls_per_second", "tech_prefix", "plus", "qualify_s"})


def tap(app: App, recorder: Sink) -> None:
    """Lets the record hear everything that the parts of `app` hear from now on."""
    recorder.note("header", header(app.settings, recorder.started_at))
    app.ami.recorder = recorder
    app.agi.note = _sessions(recorder)
    app.desk.on_request = lambda name, given: recorder.note("desk", {"request": name, **given})
    app.seating.on_sign_in = lambda seat: recorder.note("sign_in", _seat(seat))
    app.recovery.past = lambda found: _past(recorder, found)
    app.controller.shares.on_deal = lambda home: recorder.note("share", {"campaigns": dict(home)})
    app.controller.on_place = lambda attempt: recorder.note("place", _placed(attempt))


def header(settings: Settings, started_at: float) -> dict[str, Any]:
    """What the file is, and what of the settings calls go by; no addresses, no accounts."""
    return {
        "format": FORMAT,
        "started_at": round(started_at, 3),
        "floor": settings.floor.model_dump(mode="json", include=set(FLOOR)),
        "trunks": [t.model_dump(mode="json", include=set(TRUNK)) for t in settings.trunks],
        "operator_ring_s": settings.asterisk.operator_ring_s,
        "return_limit_s": settings.phones.return_limit_s,
    }


def _sessions(recorder: Sink) -> Any:
    """FastAGI's sessions numbered from 1."""
    numbers: dict[object, int] = {}
    given = 0

    def note(kind: str, fields: Mapping[str, object]) -> None:
        nonlocal given
        if kind == "agi_head":
            given += 1
            numbers[fields["session"]] = given
        number = numbers.get(fields["session"])
        if kind == "agi_end":
            numbers.pop(fields["session"], None)
        if number is not None:
            recorder.note(kind, {**fields, "session": number})

    return note


def _past(recorder: Sink, found: History) -> History:
    recorder.note("cel", as_fields(found))
    return found


def _seat(seat: Seat) -> dict[str, object]:
    return {"login": seat.login, "shift": str(seat.shift_id)}


def _placed(attempt: Committing) -> dict[str, object]:
    lead = attempt.lead
    return {
        "attempt": str(attempt.id),
        "campaign": attempt.campaign_id,
        "trunk": attempt.trunk,
        "caller_id": attempt.caller_id,
        "phone": lead.phone,
        "operator": attempt.dial_operator,
        "approaches": lead.approaches,
        "failures": lead.failures,
        "max_approaches": lead.max_approaches,
    }
