"""Schedule and goals: what is due, and how many calls a goal leaves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign.model import FINISH, PAUSE, START, CampaignStatus
from campaigns.life.model import Due, GoalRoom, Plan, Progress, due, reached

S = CampaignStatus
MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 12, 1, 9)  # noqa: DTZ001 - of the floor
SIX_PM = datetime(2026, 12, 1, 18)  # noqa: DTZ001


def utc(hour: int, minute: int = 0, day: int = 1) -> datetime:
    """Moscow is three hours ahead."""
    return datetime(2026, 12, day, hour, minute, tzinfo=UTC)


DAY = Plan(start=NINE, stop=SIX_PM)
EXAMPLES = [
    ("before nine nothing begins", S.APPROVED, utc(0), utc(5, 59), None),
    ("at nine in Moscow it begins", S.APPROVED, utc(0), utc(6), START),
    ("after downtime it begins late", S.APPROVED, utc(0), utc(11), START),
    ("when the day is over it does not begin", S.APPROVED, utc(0), utc(15), None),
    ("approved after nine it begins at once", S.APPROVED, utc(9), utc(9, 1), START),
    ("a draft is nobody's", S.DRAFT, utc(0), utc(7), None),
    ("at six it pauses", S.RUNNING, utc(6), utc(15), PAUSE),
    ("after downtime it pauses late", S.RUNNING, utc(6), utc(3, day=2), PAUSE),
    ("who resumes after six is not overruled", S.RUNNING, utc(15, 30), utc(16), None),
    ("a pause before nine ends at nine", S.PAUSED, utc(0), utc(6), START),
    ("a pause by hand after nine stays", S.PAUSED, utc(8), utc(9), None),
    ("what is finished stays finished", S.FINISHED, utc(0), utc(7), None),
]


@pytest.mark.parametrize(
    ("status", "since", "now", "transition"),
    [row[1:] for row in EXAMPLES],
    ids=[row[0] for row in EXAMPLES],
)
def test_a_day_of_a_schedule(
    status: CampaignStatus, since: datetime, now: datetime, transition: object
) -> None:
    found = due(status, since, DAY, Progress(), now, MOSCOW)
    assert (found and found.transition) == transition
    assert found is None or found.reason == "schedule"


def test_goals_finish_a_running_campaign_alone() -> None:
    plan = Plan(conversations=5, decision_makers=2, until=date(2026, 12, 1), list_end=True)
    cases = [
        (Progress(5, 0, True, True), utc(9), "goal_conversations"),
        (Progress(4, 2, True, True), utc(9), "goal_decision_makers"),
        (Progress(4, 1, True, True), utc(20, 59), ""),
        (Progress(4, 1, True, True), utc(21), "goal_date"),
        (Progress(4, 1, True, False), utc(9), "goal_list_end"),
        (Progress(0, 0, False, False), utc(9), ""),
    ]
    for progress, now, reason in cases:
        assert reached(plan, progress, now, MOSCOW) == reason
        found = due(S.RUNNING, utc(6), plan, progress, now, MOSCOW)
        assert found == (Due(FINISH, reason) if reason else None)
        assert due(S.PAUSED, utc(6), plan, progress, now, MOSCOW) is None


def test_a_time_that_clocks_skip_or_repeat_happens_once() -> None:
    skipped = Plan(start=datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001 - no such time in Berlin
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    before = at - timedelta(seconds=1)
    assert due(S.APPROVED, before, skipped, Progress(), before, BERLIN) is None
    assert due(S.APPROVED, before, skipped, Progress(), at, BERLIN) is not None
    twice = Plan(stop=datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001 - that there is two times
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    since = first - timedelta(hours=5)
    assert due(S.RUNNING, since, twice, Progress(), first, BERLIN) == Due(PAUSE, "schedule")
    resumed = first + timedelta(minutes=10)
    assert due(S.RUNNING, resumed, twice, Progress(), resumed, BERLIN) is None


BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
HOURS = st.integers(0, 72).map(lambda hour: BEGIN + timedelta(hours=hour))


@given(
    st.sampled_from([S.APPROVED, S.RUNNING, S.PAUSED]),
    HOURS,
    st.lists(HOURS, min_size=1, max_size=20).map(sorted),
    st.integers(0, 60),
    st.integers(1, 48),
)
def test_a_schedule_changes_a_campaign_at_most_once_for_each_of_its_moments(
    status: CampaignStatus, since: datetime, looks: list[datetime], start_h: int, length_h: int
) -> None:
    start = datetime(2026, 12, 1) + timedelta(hours=start_h)  # noqa: DTZ001
    plan = Plan(start=start, stop=start + timedelta(hours=length_h))
    changes = []
    for now in looks:
        if now < since:
            continue
        found = due(status, since, plan, Progress(), now, MOSCOW)
        if found is not None:
            changes.append(found.transition)
            status, since = found.transition.from_(status, "x"), now
    assert changes in ([], [START], [PAUSE], [START, PAUSE])


IDS = [UUID(int=number) for number in range(40)]


@given(st.data(), st.integers(1, 8))
def test_a_goal_is_never_overshot_whatever_the_calls_become(data: st.DataObject, goal: int) -> None:
    """A database that lags behind memory, calls that end in any order, counts at any moment."""
    room, waiting = GoalRoom(wanted=True), list(IDS)
    live: set[UUID] = set()
    talked_in_memory = 0
    rows: dict[UUID, str] = {}  # what the database has: open, talked or not
    journal: list[tuple[UUID, str]] = []
    for _ in range(data.draw(st.integers(5, 60))):
        step = data.draw(st.sampled_from(["count", "place", "end", "write"]))
        if step == "count":
            mark = room.mark()
            settled = sum(end == "talked" for end in rows.values())
            unsettled = [id for id, end in rows.items() if end == "open"]
            if data.draw(st.booleans()) and waiting and room.left(live):
                live.add(waiting[-1])  # placed while the count was under way
                rows[waiting[-1]] = "open"
                room.placed(waiting.pop())
            room.count(goal - settled, unsettled, mark)
        elif step == "place" and waiting and (room.left(live) or 0) > 0:
            live.add(waiting[-1])
            rows[waiting[-1]] = "open"
            room.placed(waiting.pop())
        elif step == "end" and live:
            ended = live.pop()
            what = data.draw(st.sampled_from(["talked", "not"]))
            talked_in_memory += what == "talked"
            journal.append((ended, what))
        elif step == "write" and journal:
            ended, what = journal.pop(0)
            rows[ended] = what
        assert talked_in_memory + len(live) <= goal


def test_before_the_first_count_a_goal_leaves_nothing() -> None:
    assert GoalRoom().left([]) is None
    assert GoalRoom(wanted=True).left([]) == 0
    room = GoalRoom()
    room.count(3, [uuid4()], room.mark())
    assert room.left([uuid4()]) == 1
    room.count(None, [], room.mark())
    assert room.left([uuid4()]) is None
