"""PURE. A campaign before it is stored, what it may become, and how it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialer.outcomes import Outcome

NAME_CHARS = 200
LEAD_STATUSES = ("new", "claimed", "dialing", "retry", "done")
MODES = ("progressive", "predictive")
LANGUAGES = ("ru", "en")
CALLER_ID = re.compile(r"\+?[0-9]{3,15}\Z")


class CampaignError(ValueError):
    """A campaign cannot be made or changed as asked. `id` is stable; the text says what to do."""

    def __init__(self, id: str, text: str) -> None:
        super().__init__(text)
        self.id = id


class CampaignStatus(StrEnum):
    """Only a running campaign is dialed."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status: from any of `old` to `new`; `verb` names the command."""

    verb: str
    old: tuple[CampaignStatus, ...]
    new: CampaignStatus


START = Transition(
    "start",
    (CampaignStatus.DRAFT, CampaignStatus.PAUSED, CampaignStatus.STOPPED),
    CampaignStatus.RUNNING,
)
PAUSE = Transition("pause", (CampaignStatus.RUNNING,), CampaignStatus.PAUSED)
STOP = Transition("stop", (CampaignStatus.RUNNING, CampaignStatus.PAUSED), CampaignStatus.STOPPED)


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign to make. Seconds where a name ends in `_s`; the defaults are the schema's.

    `trunk` "" is any trunk; with `further_trunks` it is one of several. `further_caller_ids` are
    shown in turn with `caller_id`.
    """

    name: str
    lists: tuple[str, ...]
    trunk: str
    mode: str = "progressive"
    language: str = "ru"
    caller_id: str | None = None
    ring_timeout_s: float = 25.0
    post_dial_delay_s: float = 10.0
    wrap_up_limit_s: float = 60.0
    recording: bool = False
    max_approaches: int = 4
    further_trunks: tuple[str, ...] = ()
    further_caller_ids: tuple[str, ...] = ()

    @property
    def trunks(self) -> tuple[str, ...]:
        """All that it names; none: any trunk."""
        return (self.trunk, *self.further_trunks) if self.trunk else ()


@dataclass(frozen=True, slots=True)
class Created:
    """A campaign that was made, with the number of its leads."""

    id: int
    name: str
    leads: int


@dataclass(frozen=True, slots=True)
class LastDecision:
    """Why this number of calls was placed, or why none."""

    at: datetime
    placed: int
    limited_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CampaignState:
    """How a campaign stands: leads by status, attempts by outcome (all names, zeros too)."""

    name: str
    status: CampaignStatus
    mode: str
    trunk: str
    lists: tuple[str, ...]
    leads: Mapping[str, int]
    attempts: int
    in_progress: int
    outcomes: Mapping[str, int]
    conversations: int
    last_decision: LastDecision | None


def check(new: NewCampaign) -> None:
    """Raises CampaignError `bad_value` that names every wrong value of `new`."""
    problems = list(_problems(new))
    if problems:
        raise CampaignError("bad_value", "; ".join(problems))


def _problems(new: NewCampaign) -> Iterator[str]:
    if not new.name.strip() or len(new.name) > NAME_CHARS or not new.name.isprintable():
        yield f"a campaign's name is one line of 1 to {NAME_CHARS} characters"
    if not new.lists:
        yield "name at least one list"
    if new.mode not in MODES:
        yield f"the mode is {_one_of(MODES)}, not {new.mode!r}"
    if new.language not in LANGUAGES:
        yield f"the language is {_one_of(LANGUAGES)}, not {new.language!r}"
    shown = (*filter(None, [new.caller_id]), *new.further_caller_ids)
    if not all(CALLER_ID.match(number) for number in shown):
        yield "the caller id is 3 to 15 digits, with or without a plus before them"
    if len(set(new.trunks)) < len(new.trunks) or (new.further_trunks and not new.trunk):
        yield "name each trunk once"
    if new.further_caller_ids and not new.caller_id:
        yield "further caller ids come after a first one"
    yield from _out_of_range("ring timeout", new.ring_timeout_s, 5, 120, " s")
    yield from _out_of_range("post-dial delay", new.post_dial_delay_s, 1, 30, " s")
    yield from _out_of_range("wrap-up limit", new.wrap_up_limit_s, 1, 3600, " s")
    yield from _out_of_range("largest number of approaches", new.max_approaches, 1, 100, "")


def _one_of(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _out_of_range(what: str, value: float, low: int, high: int, unit: str) -> Iterator[str]:
    # Written so that NaN is out of range too.
    if not low <= value <= high:
        yield f"the {what} is {value:g}{unit}; give {low} to {high}{unit}"


def refusal(name: str, status: str, transition: Transition) -> CampaignError:
    """Why `transition` is not possible from `status`."""
    if status == transition.new:
        return CampaignError("wrong_state", f"the campaign {name!r} is {status} already")
    wanted = " or ".join(old.value for old in transition.old)
    return CampaignError(
        "wrong_state",
        f"the campaign {name!r} is {status}; only a {wanted} one can be told to {transition.verb}",
    )


def counts(found: Mapping[str, int], names: tuple[str, ...]) -> dict[str, int]:
    """`found` with a zero for every name that is missing, in the order of `names`."""
    return {name: found.get(name, 0) for name in names}


OUTCOMES = tuple(outcome.value for outcome in Outcome)
