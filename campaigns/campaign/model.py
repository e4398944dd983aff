"""PURE. A campaign before it is stored, what it may become, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from campaigns.refusals import Refusal, Sentence
from dialer.outcomes import Outcome

NAME_CHARS = 200
LEAD_STATUSES = ("new", "claimed", "dialing", "retry", "done")
AT_LIMIT = ("dial", "skip", "pause")
LANGUAGES = ("ru", "en")
WaitingSound = Literal["ring", "music", "silence"]
"""What a person hears until an operator is free; `agi.answered` knows how each is played."""
WAITING_SOUNDS: tuple[str, ...] = get_args(WaitingSound)


class CampaignError(Refusal):
    """A campaign cannot be made or changed as asked."""


class CampaignStatus(StrEnum):
    """Only a running campaign is dialed.

    draft <-> approved -> running <-> paused
                             |           |  ^
                             +-> finished <-+ (reopen)
    draft, approved, finished -> archived
    """

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    ARCHIVED = "archived"


STATUS_WORDS: Mapping[CampaignStatus, Sentence] = {
    CampaignStatus.DRAFT: Sentence("draft", "черновик"),
    CampaignStatus.APPROVED: Sentence("approved", "одобрена"),
    CampaignStatus.RUNNING: Sentence("running", "идёт"),
    CampaignStatus.PAUSED: Sentence("paused", "на паузе"),
    CampaignStatus.FINISHED: Sentence("finished", "завершена"),
    CampaignStatus.ARCHIVED: Sentence("archived", "в архиве"),
}


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status: from any of `old` to `new`; `verb` names the command."""

    verb: str
    told: Sentence
    old: tuple[CampaignStatus, ...]
    new: CampaignStatus

    def from_(self, status: CampaignStatus, name: str) -> CampaignStatus:
        """What a campaign `name` in `status` becomes. Raises CampaignError."""
        if status not in self.old:
            raise refusal(name, status, self)
        return self.new


_S = CampaignStatus
APPROVE = Transition("approve", Sentence("approve", "одобрить"), (_S.DRAFT,), _S.APPROVED)
WITHDRAW = Transition("withdraw", Sentence("withdraw", "отозвать"), (_S.APPROVED,), _S.DRAFT)
START = Transition("start", Sentence("start", "начать"), (_S.APPROVED, _S.PAUSED), _S.RUNNING)
PAUSE = Transition("pause", Sentence("pause", "поставить на паузу"), (_S.RUNNING,), _S.PAUSED)
RESUME = Transition("resume", Sentence("resume", "продолжить"), (_S.PAUSED,), _S.RUNNING)
FINISH = Transition("finish", Sentence("finish", "завершить"), (_S.RUNNING, _S.PAUSED), _S.FINISHED)
REOPEN = Transition("reopen", Sentence("reopen", "открыть снова"), (_S.FINISHED,), _S.PAUSED)
ARCHIVE = Transition(
    "archive",
    Sentence("archive", "убрать в архив"),
    (_S.DRAFT, _S.APPROVED, _S.FINISHED),
    _S.ARCHIVED,
)
TRANSITIONS = (APPROVE, WITHDRAW, START, PAUSE, RESUME, FINISH, REOPEN, ARCHIVE)


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign to make.

    `trunk` "" is any trunk; with `further_trunks` it is one of several. `settings` are other keys
    of `campaigns.campaign.settings` in their kept form; what is left out has its default.
    """

    name: str
    lists: tuple[str, ...]
    trunk: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    further_trunks: tuple[str, ...] = ()

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
    reason_ru: str


@dataclass(frozen=True, slots=True)
class GoalProgress:
    """A goal that finishes the campaign, and how far it is. `goal`: the setting's name.

    `wanted` is a number with `done` beside it, or a date (`done` None).
    """

    goal: str
    wanted: int | date
    done: int | None = None


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
    reason: str
    since: datetime
    by: str
    version: int
    goals: tuple[GoalProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One edit: what changed, key -> [old, new]. Version 1 is the campaign as it was made."""

    version: int
    at: datetime
    actor: str
    action: str
    changes: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Edited:
    """The version that an edit made (the present one where it changed nothing)."""

    name: str
    version: int
    changes: Mapping[str, list[Any]]
    new_leads: int = 0


def check_name(name: str) -> None:
    """Raises CampaignError `bad_value`."""
    if not name.strip() or len(name) > NAME_CHARS or not name.isprintable():
        raise CampaignError(
            "bad_value",
            f"a campaign's name is one line of 1 to {NAME_CHARS} characters",
            f"название кампании: одна строка от 1 до {NAME_CHARS} символов",
            status=422,
        )


def refusal(name: str, status: CampaignStatus, transition: Transition) -> CampaignError:
    """Why `transition` is not possible from `status`: `wrong_state` or `not_approved`."""
    now = STATUS_WORDS[status]
    if status is transition.new:
        return CampaignError(
            "wrong_state",
            f"the campaign {name!r} is {now.en} already",
            f"кампания {name!r} уже {now.ru}",
        )
    if status is CampaignStatus.DRAFT and transition is START:
        return CampaignError(
            "not_approved",
            f"the campaign {name!r} is a draft; approve it first: prozvon campaign approve {name}",
            f"кампания {name!r} пока черновик; сначала одобрите: prozvon campaign approve {name}",
        )
    wanted = (STATUS_WORDS[old] for old in transition.old)
    en, ru = zip(*((word.en, word.ru) for word in wanted), strict=True)
    return CampaignError(
        "wrong_state",
        f"the campaign {name!r} is {now.en}; to {transition.told.en} it, it must be "
        f"{' or '.join(en)}",
        f"кампания {name!r} сейчас «{now.ru}»; {transition.told.ru} можно только из "
        f"«{'» или «'.join(ru)}»",
    )


def may_edit(name: str, status: CampaignStatus, frozen: list[str]) -> None:
    """Whether a campaign in `status` may be edited; `frozen` are changed keys of the brief.

    Raises CampaignError `wrong_state`, `approved_brief`.
    """
    if status is CampaignStatus.ARCHIVED:
        raise CampaignError(
            "wrong_state",
            f"the campaign {name!r} is archived and stays as it is; clone it: prozvon campaign "
            f"clone {name} NEW",
            f"кампания {name!r} в архиве и не меняется; сделайте копию: prozvon campaign clone "
            f"{name} НОВАЯ",
        )
    if frozen and status is not CampaignStatus.DRAFT:
        raise CampaignError(
            "approved_brief",
            f"{' and '.join(frozen)} of {name!r} were approved; take the approval back first "
            f"(prozvon campaign withdraw {name}), or clone the campaign",
            f"{' и '.join(frozen)} кампании {name!r} уже одобрены; сначала отзовите одобрение "
            f"(prozvon campaign withdraw {name}) или сделайте копию",
        )


def edit_conflict(name: str, expected: int, present: int, actor: str) -> CampaignError:
    """Somebody else edited meanwhile."""
    return CampaignError(
        "edit_conflict",
        f"the campaign {name!r} is at version {present} by {actor}, not at {expected}; see what "
        f"changed (prozvon campaign diff {name} {expected} {present}) and edit again",
        f"у кампании {name!r} уже версия {present} ({actor}), а не {expected}; посмотрите, что "
        f"изменилось (prozvon campaign diff {name} {expected} {present}), и повторите правку",
    )


def between(versions: Iterable[Version], old: int, new: int) -> dict[str, list[Any]]:
    """key -> [value at version `old`, value at version `new`] for what differs (`old` < `new`)."""
    found: dict[str, list[Any]] = {}
    for version in sorted(versions, key=lambda v: v.version):
        if old < version.version <= new:
            for key, (before, after) in version.changes.items():
                found[key] = [found[key][0] if key in found else before, after]
    return {key: pair for key, pair in found.items() if pair[0] != pair[1]}


def goals_of(row: Mapping[str, Any], conversations: int) -> tuple[GoalProgress, ...]:
    """The goals of a row of the query `campaigns`, the first to read first."""
    numbers = (("conversations", conversations), ("decision_makers", row["decision_makers"]))
    found = [
        GoalProgress(goal, row[f"goal_{goal}"], done)
        for goal, done in numbers
        if row[f"goal_{goal}"] is not None
    ]
    if row["goal_date"] is not None:
        found.append(GoalProgress("date", row["goal_date"]))
    return tuple(found)


def counts(found: Mapping[str, int], names: tuple[str, ...]) -> dict[str, int]:
    """`found` with a zero for every name that is missing, in the order of `names`."""
    return {name: found.get(name, 0) for name in names}


OUTCOMES = tuple(outcome.value for outcome in Outcome)
