"""The pacing engine in a running controller: it fails while calls are dialed; hours that close."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from campaigns.pacing.service import PacingService
from dialer.board import ENGINE_FAILED, Campaign
from monitoring.families import REGISTRY
from tests.fixtures_floor import FloorApp, number

CLOSED: dict[str, Any] = {day: [] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def failures(campaign: Campaign) -> float:
    labels = {"campaign": campaign.name}
    return REGISTRY.get_sample_value("prozvon_pacer_failures_total", labels) or 0.0


async def test_an_engine_that_fails_is_said_aloud_and_people_are_still_dialed(
    floor_app: FloorApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await floor_app.sign_in("t1", "t2")
    for login in ("t1", "t2"):
        floor_app.app.desk.pause(login, "the engine works first")
    phones = [number("0101") for _ in range(8)]
    made = await floor_app.campaign(*phones, mode="predictive", wrap_up_limit_s=1.0)
    board = floor_app.app.board
    await floor_app.until(
        lambda: made in board.campaigns and bool(board.campaigns[made].buffer),
        "the campaign has its leads",
    )
    campaign = board.campaigns[made]
    floor_app.app.desk.ready("t1")
    await floor_app.outcome(phones[0])
    assert not campaign.failed

    def broken(now: float) -> float:
        raise ZeroDivisionError("a defect of the engine")

    monkeypatch.setattr(campaign.engine, "risk_level", broken)
    with structlog.testing.capture_logs() as said:
        floor_app.app.desk.ready("t2")
        for phone in phones[1:]:
            assert (await floor_app.outcome(phone, 40))["outcome"] == "answered"
    [told] = [line for line in said if line["event"] == "pacer_failed"]
    assert (told["campaign"], told["mode"], told["log_level"]) == (
        campaign.name, "predictive", "error",
    )  # fmt: skip
    assert campaign.failed
    assert failures(campaign) == 1.0
    assert (
        ENGINE_FAILED.en in campaign.decision.reason.en or campaign.decision.limited_by == "leads"
    )
    service = PacingService(floor_app.pool, board.floor_id)
    await floor_app.app.journal.flushed(5)
    why = await service.why(campaign.name, last=100)
    assert any(ENGINE_FAILED.en in decision.reason for decision in why.decisions)
    assert any(ENGINE_FAILED.ru in decision.reason_ru for decision in why.decisions)
    answered, abandoned = campaign.engine.ledger.totals(floor_app.app.controller.clock())
    assert (answered, abandoned) == (len(phones), 0)
    assert (why.ledger.answered, why.ledger.abandoned) == (answered, abandoned)


async def test_outside_the_calling_hours_the_decision_says_hours(floor_app: FloorApp) -> None:
    await floor_app.sign_in("t1")
    made = await floor_app.campaign(number("0101"), number("0101"), hours=CLOSED)
    board = floor_app.app.board
    await floor_app.until(
        lambda: made in board.campaigns and board.campaigns[made].decision.limited_by == "hours",
        "the decision names the hours",
    )
    assert not await floor_app.attempts()
    assert "outside the calling hours" in board.campaigns[made].decision.reason.en
    await floor_app.pool.execute("update campaign set hours = $2 where id = $1", made, {})
    await floor_app.until(
        lambda: board.campaigns[made].decision.limited_by != "hours", "the hours are open again"
    )
    await floor_app.state("t1", "talking", "wrap_up")
    await floor_app.set_campaign(made, "paused")
