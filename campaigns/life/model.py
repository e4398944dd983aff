"""PURE. Schedule and goals: what becomes of a campaign by itself, and how many calls a goal leaves.

Times of a schedule are those of the floor's own zone; a time that the clocks skip in spring counts
as the one an hour later, one that they repeat in autumn as the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.campaign.model import FINISH, PAUSE, START, CampaignStatus, Transition

SCHEDULE = "schedule"
GOAL_CONVERSATIONS = "goal_conversations"
GOAL_DECISION_MAKERS = "goal_decision_makers"
GOAL_DATE = "goal_date"
GOAL_LIST_END = "goal_list_end"


@dataclass(frozen=True, slots=True)
class Plan:
    """What was wished: local times and a local day of the floor, numbers of conversations."""

    start: datetime | None = None
    stop: datetime | None = None
    until: date | None = None
    conversations: int | None = None
    decision_makers: int | None = None
    list_end: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done: conversations that began, those disposed of as with who decides."""

    conversations: int = 0
    decision_makers: int = 0
    has_leads: bool = False
    has_work: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A change that is due, with its reason (a stable word)."""

    transition: Transition
    reason: str


def due(
    status: CampaignStatus,
    since: datetime,
    plan: Plan,
    progress: Progress,
    now: datetime,
    zone: ZoneInfo,
) -> Due | None:
    """What becomes of the campaign now by itself. `since`: when it got its status (aware).

    A moment of the schedule counts once: who resumes after the stop, or pauses after the start, is
    not overruled. What passed while nothing ran is done late, except a start whose stop passed too.
    """
    start, stop = at(plan.start, zone), at(plan.stop, zone)
    if status is CampaignStatus.RUNNING:
        reason = reached(plan, progress, now, zone)
        if reason:
            return Due(FINISH, reason)
        if stop is not None and since < stop <= now:
            return Due(PAUSE, SCHEDULE)
        return None
    if start is None or start > now or (stop is not None and stop <= now):
        return None
    paused = status is CampaignStatus.PAUSED and since < start
    if status is CampaignStatus.APPROVED or paused:
        return Due(START, SCHEDULE)
    return None


def reached(plan: Plan, progress: Progress, now: datetime, zone: ZoneInfo) -> str:
    """The goal that is reached, as a stable word; "" for none."""
    if plan.conversations is not None and progress.conversations >= plan.conversations:
        return GOAL_CONVERSATIONS
    if plan.decision_makers is not None and progress.decision_makers >= plan.decision_makers:
        return GOAL_DECISION_MAKERS
    if plan.until is not None and now >= day_end(plan.until, zone):
        return GOAL_DATE
    if plan.list_end and progress.has_leads and not progress.has_work:
        return GOAL_LIST_END
    return ""


def at(local: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A local time of the zone as a moment."""
    return None if local is None else local.replace(tzinfo=zone)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """The moment when a day is over in the zone."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone)


@dataclass(slots=True)
class GoalRoom:
    """How many calls a campaign may still place so that its goal is not overshot.

    Every call that is not settled counts as the conversation it may become. `counted`: the goal
    less what is settled, None before the first count. `open`: attempts that were not settled then,
    and those placed since.
    """

    counted: int | None = None
    open: set[UUID] = field(default_factory=set)
    wanted: bool = False
    _placed: list[UUID] = field(default_factory=list)

    def placed(self, attempt: UUID) -> None:
        """A call of the campaign is on its way."""
        if self.wanted:
            self.open.add(attempt)
            self._placed.append(attempt)

    def mark(self) -> int:
        """To be kept from before a count until `count`."""
        return len(self._placed)

    def count(self, left: int | None, unsettled: Iterable[UUID], mark: int) -> None:
        """A count that began at `mark`: `left` to the goal (None: no goal), attempts still open."""
        self._placed = self._placed[mark:]
        self.counted, self.wanted = left, left is not None
        self.open = {*unsettled, *self._placed}

    def left(self, live: Iterable[UUID]) -> int | None:
        """Calls that may be placed; `live`: attempts in memory. None: no goal limits them."""
        if not self.wanted:
            return None
        if self.counted is None:
            return 0
        return max(0, self.counted - len(self.open.union(live)))
