"""Reports against shifts and attempts whose seconds and counts are known."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.campaign.model import NewCampaign
from campaigns.campaign.service import CampaignService
from dialer.database.pool import Pool
from monitoring.reports.model import Period, ReportError, period
from monitoring.reports.service import ReportService
from tests.database.staff import ROWS, TestFloor, after

DAY = Period(after(-3600), after(3600))


@pytest.fixture
async def floor(pool: Pool) -> TestFloor:
    floor = await TestFloor.make(pool)
    await floor.add_list("old", 10)
    await CampaignService(pool, floor.id, "main").create(
        NewCampaign("spring", ("old",), "carrier"), "olga"
    )
    return floor


@pytest.fixture
def service(floor: TestFloor) -> ReportService:
    return ReportService(floor.pool, floor.id)


async def leads(floor: TestFloor) -> list[int]:
    return [row["id"] for row in await floor.pool.fetch(ROWS.leads, "spring")]


async def test_line_time_is_dialing_talking_hold_and_consult(
    floor: TestFloor, service: ReportService
) -> None:
    anna = await floor.add_operator("anna")
    states = ["connecting", "ready", "dialing", "talking", "hold", "consult", "wrap_up", "paused"]
    begins = [(state, after(2**i)) for i, state in enumerate(states)]
    await floor.add_shift(anna, begins, after(2**8))
    (report,) = await service.operators(DAY)
    assert {state: s for state, s in report.states.items() if s} == {
        state: float(2**i) for i, state in enumerate(states)
    }
    assert report.line_seconds == 4 + 8 + 16 + 32
    assert report.shift_seconds == sum(report.states.values()) == 255


async def test_states_are_cut_to_the_period(floor: TestFloor, service: ReportService) -> None:
    anna = await floor.add_operator("anna")
    await floor.add_shift(anna, [("ready", after(0)), ("talking", after(100))], after(200))
    (report,) = await service.operators(Period(after(60), after(130)))
    assert (report.states["ready"], report.states["talking"]) == (40, 30)
    (report,) = await service.operators(Period(after(200), after(300)))
    assert report.shift_seconds == 0


async def test_a_state_that_is_not_over_counts_up_to_now(
    floor: TestFloor, service: ReportService
) -> None:
    anna = await floor.add_operator("anna")
    now = datetime.now(UTC)
    begun = now - timedelta(seconds=50)
    await floor.add_shift(anna, [("ready", begun), ("talking", now - timedelta(seconds=20))], None)
    (report,) = await service.operators(Period(begun, now + timedelta(hours=1)))
    assert report.states["ready"] == 30
    assert 20 <= report.line_seconds < 50


async def test_dials_conversations_and_intervals_of_an_operator(
    floor: TestFloor, service: ReportService
) -> None:
    anna, boris = await floor.add_operator("anna"), await floor.add_operator("boris")
    ids = await leads(floor)
    for number, interval in enumerate([None, 10.0, 20.0, 30.0, 40.0]):
        await floor.add_attempt(
            ids[number],
            after(number),
            outcome="no_answer",
            dial_operator_id=anna,
            operator_dial_interval_s=interval,
        )
    # Dialed for one, taken by the other.
    await floor.add_attempt(
        ids[5], after(9), outcome="answered", dial_operator_id=anna, operator_id=boris,
        bridged_at=after(10), ended_at=after(20),
    )  # fmt: skip
    await floor.add_attempt(ids[6], after(-7200), outcome="busy", dial_operator_id=anna)
    by_login = {report.login: report for report in await service.operators(DAY)}
    assert (by_login["anna"].dials, by_login["anna"].conversations) == (6, 0)
    assert (by_login["boris"].dials, by_login["boris"].conversations) == (0, 1)
    gaps = by_login["anna"].dial_interval_seconds
    assert (gaps.count, gaps.mean, gaps.median, gaps.p90) == (4, 25, 25, 37)
    assert by_login["boris"].dial_interval_seconds.mean is None


async def test_former_staff_stay_in_the_reports_of_their_time(
    floor: TestFloor, service: ReportService
) -> None:
    from campaigns.operators.service import OperatorService

    anna = await floor.add_operator("anna")
    await floor.add_shift(anna, [("talking", after(0))], after(5))
    await OperatorService(floor.pool, floor.id).remove("anna", "olga")
    (report,) = await service.operators(DAY)
    assert (report.login, report.line_seconds) == ("anna", 5)
    assert await service.operators(Period(after(4000), after(5000))) == []


async def test_a_campaign_with_its_outcomes_and_abandoned_share(
    floor: TestFloor, service: ReportService
) -> None:
    ids = await leads(floor)
    for number, outcome in enumerate(["answered", "answered", "answered", "abandoned", "busy"]):
        bridged = after(number + 1) if outcome == "answered" else None
        await floor.add_attempt(
            ids[number], after(number), outcome=outcome, bridged_at=bridged, dial_interval_s=number
        )
    await floor.add_attempt(ids[5], after(6))
    await floor.add_attempt(ids[6], DAY.until, outcome="busy")
    (report,) = await service.campaigns(DAY)
    assert (report.attempts, report.in_progress, report.conversations) == (6, 1, 3)
    assert {name: n for name, n in report.outcomes.items() if n} == {
        "answered": 3,
        "abandoned": 1,
        "busy": 1,
    }
    assert (report.abandoned, report.abandoned_share) == (1, 0.25)
    assert report.dial_interval_seconds.count == 5
    assert (report.dial_interval_seconds.mean, report.dial_interval_seconds.p90) == (2, 3.6)
    (empty,) = await service.campaigns(Period(after(4000), after(5000)))
    assert (empty.attempts, empty.abandoned_share, empty.dial_interval_seconds.mean) == (
        0,
        None,
        None,
    )


NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "begin", "end"),
    [
        (None, None, "2026-03-01T21:00+00:00", "2026-03-02T12:30+00:00"),
        ("2026-02-01", "2026-02-01", "2026-01-31T21:00+00:00", "2026-02-01T21:00+00:00"),
        ("2026-02-01T10:00", None, "2026-02-01T07:00+00:00", "2026-03-02T12:30+00:00"),
        ("2026-02-01T10:00Z", "2026-02-01T11:00+01:00", "2026-02-01T10:00+00:00", None),
    ],
)
def test_a_period_is_meant_in_the_floors_time_zone(
    since: str | None, until: str | None, begin: str, end: str | None
) -> None:
    if end is None:
        with pytest.raises(ReportError, match="ends before"):
            period(since, until, "Europe/Moscow", NOW)
        return
    made = period(since, until, "Europe/Moscow", NOW)
    assert (made.since, made.until) == (datetime.fromisoformat(begin), datetime.fromisoformat(end))


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "99999-01-01", "2026", "9999-12-31"])
def test_a_wrong_date_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ReportError) as caught:
        period("2026-01-01", text, "Europe/Moscow", NOW)
    assert caught.value.id == "bad_period"
