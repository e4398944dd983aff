"""Our database against the carrier's own record: the same calls, with the same ends."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from dialer.demo.carrier_record import CarrierCall
from dialer.demo.numbers import RULE_OF


def mismatches(attempts: Sequence[Any], calls: Sequence[CarrierCall]) -> list[str]:
    """PURE. Every attempt must be one carrier call of its number, in order, with its outcome.

    `attempts`: rows or mappings with id, phone, outcome, ended_by, in the order of dialing.
    """
    left: dict[str, deque[CarrierCall]] = defaultdict(deque)
    for call in sorted(calls, key=lambda c: c.started_at):
        left[call.number].append(call)
    found = []
    for attempt in attempts:
        queue = left[attempt["phone"]]
        if not queue:
            found.append(f"attempt {attempt['id']} ({attempt['outcome']}): no call at the carrier")
            continue
        call = queue.popleft()
        if attempt["outcome"] not in _expected(attempt, call):
            found.append(
                f"attempt {attempt['id']}: {attempt['outcome']} by {attempt['ended_by']}, "
                f"the carrier saw {call.kind.value}, answered: {call.answered_at is not None}"
            )
    found += [f"carrier call of kind {c.kind.value}: no attempt" for q in left.values() for c in q]
    return found


def _expected(attempt: Any, call: CarrierCall) -> set[str]:
    """What may stand in our database for what the carrier saw."""
    if call.answered_at is not None:
        return {"answered", "abandoned"}
    if attempt["ended_by"] in ("dialer", "ring_timeout"):
        alive = call.ringing_at is not None or call.early_media_at is not None
        return {"no_answer"} if alive else {"no_answer", "failed"}
    outcome = RULE_OF[call.kind].outcome
    if outcome == "answered":  # would have been, had we waited
        return {"no_answer"}
    return {outcome or ""}
