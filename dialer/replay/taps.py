"""Where a record listens: at the manager link, FastAGI, where people ask and calls are placed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dialer.calls import Committing
from dialer.config import Settings, TransferSettings
from dialer.operators import Seat
from dialer.recovery import History
from dialer.replay.history import as_fields
from dialer.replay.recorder import FORMAT

if TYPE_CHECKING:
    from dialer.app import App
    from dialer.replay.recorder import Sink

LATE_S = 0.01
"""A controller that is late by so much may decide otherwise than one that is not."""
NOT_IN_NUMBERS = re.compile(r"[^+0-9]")
FLOOR = frozenset({"time_zone", "phone_region", "answer_limit_s", "drain_limit_s"})
PHONES = frozenset({"return_limit_s", "outside_trunks", "outside_accept_s"})
TRANSFERS = frozenset(TransferSettings.model_fields) - {"numbers"}
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
    app.attempts.on_withdraw = lambda attempt: recorder.note("withdraw", {"attempt": str(attempt)})
    app.on_lag = lambda seconds: _lag(recorder, seconds)
    _tap_talks(app, recorder)
    _tap_features(app, recorder)


def _tap_talks(app: App, recorder: Sink) -> None:
    """What is asked for in calls, and what no rule of a replay can decide."""
    assert app.talk is not None
    talks, floor = app.talk.talks, app.talk.floor
    talks.on_request = lambda name, login, given: recorder.note(
        "talk", {"request": name, "login": login, "given": _nobodys(given)}
    )
    talks.on_third = lambda attempt, line: recorder.note(
        "third", {"attempt": str(attempt), "trunk": line.trunk, "caller_id": line.caller_id}
    )
    floor.new_id = _noted("talk", floor.new_id, recorder)


def _tap_features(app: App, recorder: Sink) -> None:
    """Dials by hand, phones that are rung for calls, supervisors, pauses of recordings."""
    features = app.features
    app.by_hand.on_card = lambda name, given: recorder.note("card", {"what": name, **given})
    features.summons.on_phone = lambda what, login: recorder.note(
        "phone", {"what": what, "login": login}
    )
    supervision = features.supervision
    supervision.on_request = lambda name, given: recorder.note(
        "supervise", {"request": name, **given}
    )
    supervision.new_id = _noted("supervision", supervision.new_id, recorder)
    features.live_recordings.on_request = lambda name, login: recorder.note(
        "recording", {"request": name, "login": login}
    )


def _noted(whose: str, made: Callable[[float], UUID], recorder: Sink) -> Callable[[float], UUID]:
    """Ids that the node gets to see: a replay must make the same."""

    def new_id(now: float) -> UUID:
        found = made(now)
        recorder.note("id", {"of": whose, "id": str(found)})
        return found

    return new_id


def _nobodys(given: Mapping[str, Any]) -> dict[str, Any]:
    """As one word a number is masked; keys that were sent may be those of a card."""
    kept = dict(given)
    if isinstance(number := given.get("number"), str):
        kept["number"] = NOT_IN_NUMBERS.sub("", number)
    if isinstance(digits := given.get("digits"), str):
        kept["digits"] = "0" * len(digits)
    return kept


def header(settings: Settings, started_at: float) -> dict[str, Any]:
    """What the file is, and what of the settings calls go by; no addresses, no accounts."""
    return {
        "format": FORMAT,
        "started_at": round(started_at, 3),
        "floor": settings.floor.model_dump(mode="json", include=set(FLOOR)),
        "trunks": [t.model_dump(mode="json", include=set(TRUNK)) for t in settings.trunks],
        "operator_ring_s": settings.asterisk.operator_ring_s,
        "phones": settings.phones.model_dump(mode="json", include=set(PHONES)),
        "transfers": settings.transfers.model_dump(mode="json", include=set(TRANSFERS)),
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


def _lag(recorder: Sink, seconds: float) -> None:
    if seconds >= LATE_S:
        recorder.note("lag", {"seconds": round(seconds, 3)})


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
        "mode": attempt.mode,
    }
