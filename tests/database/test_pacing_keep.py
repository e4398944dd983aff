"""Pacing over restarts: knowledge comes back, the ledger is counted from the attempts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from campaigns.refusals import Sentence
from dialer.board import Board, Campaign
from dialer.database.pool import Pool
from dialer.journal import Journal
from dialer.outcomes import EndedBy
from dialer.pacing_keep import PacingKeeper
from dialer.pacing_memory import remember
from tests.database.store_floor import NOW, Floor, running_floor

DAY_S = 86_400.0


@dataclass
class Kept:
    floor: Floor
    board: Board
    journal: Journal
    keeper: PacingKeeper

    async def campaign(self, window_s: float = DAY_S) -> Campaign:
        """As a controller that starts now has it."""
        engine = await self.keeper.engine(self.floor.campaign_id, 0.03, window_s)
        return Campaign(
            id=self.floor.campaign_id, name="c", mode="predictive", language="ru", caller_ids=(),
            trunks=("carrier",), ring_timeout_s=25, post_dial_delay_s=10, wrap_up_limit_s=60,
            recording=False, max_approaches=4, max_abandon_rate=0.03, engine=engine,
        )  # fmt: skip

    async def keep(self, campaign: Campaign) -> None:
        self.keeper.keep([campaign])
        assert await self.journal.flushed(10)


@pytest.fixture(name="kept")
async def kept_fixture(pool: Pool) -> AsyncIterator[Kept]:
    floor = await running_floor(pool)
    board, journal = Board(floor.rows.id, floor.rows.node_id), Journal(pool)
    task = asyncio.create_task(journal.run())
    yield Kept(floor, board, journal, PacingKeeper(board, floor.store, journal, lambda: NOW + 100))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_was_learned_is_there_at_the_next_start(kept: Kept) -> None:
    campaign = await kept.campaign()
    for second in range(200):
        campaign.teach(lambda p, s=second: p.attempt_ended(NOW + s, 7.0, s % 4 == 0))  # type: ignore[misc]
        campaign.teach(lambda p, s=second: p.talk_ended(NOW + s, 33.0))  # type: ignore[misc]
    await kept.keep(campaign)
    again = await kept.campaign()
    assert remember(again.engine) == remember(campaign.engine)


async def test_the_ledger_is_what_the_attempts_say(kept: Kept) -> None:
    """Two answered (one of them abandoned), one not; one live; and nothing is counted twice."""
    floor = kept.floor
    for answered, abandoned in ((True, False), (True, True), (False, False)):
        placed = (await floor.dialed()).ringing(NOW + 1).seen("PJSIP/x")
        if answered:
            placed = placed.answered(NOW + 5)  # type: ignore[assignment]
        if abandoned:
            placed = placed.left_alone()  # type: ignore[attr-defined]
        ended = placed.ended(NOW + 9, cause=16, sip_code=None, by=EndedBy.PERSON)
        await floor.finish(ended)
    live = (await floor.dialed()).answered(NOW + 50)
    kept.board.attempts[live.id] = live
    first = await kept.campaign()
    assert first.engine.ledger.totals(NOW + 100) == (3, 1)
    await kept.keep(first)
    assert (await kept.campaign()).engine.ledger.totals(NOW + 100) == (3, 1)


async def test_what_left_the_window_is_not_counted(kept: Kept) -> None:
    placed = (await kept.floor.dialed()).answered(NOW + 5)
    await kept.floor.finish(placed.ended(NOW + 9, cause=16, sip_code=None, by=EndedBy.PERSON))
    await kept.floor.pool.execute(
        "update attempt set placed_at = placed_at - interval '2 hours', "
        "answered_at = answered_at - interval '2 hours'"
    )
    assert (await kept.campaign(DAY_S)).engine.ledger.totals(NOW + 100) == (1, 0)
    assert (await kept.campaign(3600.0)).engine.ledger.totals(NOW + 100) == (0, 0)


async def test_an_engine_that_failed_is_forgotten(kept: Kept) -> None:
    campaign = await kept.campaign()
    campaign.teach(lambda p: p.attempt_ended(NOW, 7.0, True))
    await kept.keep(campaign)
    campaign.teach(lambda p: 1 / 0)  # type: ignore[arg-type]
    assert campaign.failed
    await kept.keep(campaign)
    again = await kept.campaign()
    assert again.engine.knowledge.answering.count == 0


async def test_a_state_that_cannot_be_read_is_left_alone(kept: Kept) -> None:
    await kept.floor.pool.execute(
        "insert into pacer_state (campaign_id, kept_at, state) values ($1, now(), $2)",
        kept.floor.campaign_id,
        {"version": 2, "slack": "nonsense"},
    )
    assert (await kept.campaign()).engine.knowledge.answering.count == 0


async def test_learned_in_progressive_used_in_predictive(kept: Kept) -> None:
    campaign = await kept.campaign()
    campaign.set_mode("progressive")
    for second in range(100):
        campaign.teach(lambda p, s=second: p.attempt_ended(NOW + s, 7.0, True))  # type: ignore[misc]
    campaign.teach(lambda p: p.abandoned(NOW + 100))
    campaign.set_mode("predictive")
    assert campaign.engine.knowledge.answering.count == 100
    assert campaign.engine.ledger.totals(NOW + 100) == (100, 1)


async def test_the_law_bounds_cap_window_and_mode(kept: Kept) -> None:
    [row] = await kept.floor.store.running_campaigns()
    terms = await kept.keeper.terms({**row, "legal_profile": "us", "max_abandon_rate": 0.2})
    assert (terms.cap, terms.window_s, terms.forbidden) == (0.03, 30 * DAY_S, None)
    terms = await kept.keeper.terms({**row, "legal_profile": "us", "max_abandon_rate": 0.01})
    assert terms.cap == 0.01
    terms = await kept.keeper.terms(
        {**row, "legal_profile": "ru_advertising", "mode": "predictive"}
    )
    assert terms.forbidden is not None
    assert "does not allow the mode predictive" in terms.forbidden.en
    terms = await kept.keeper.terms({**row, "legal_profile": "nowhere"})
    assert terms.forbidden == Sentence(
        "there is no legal profile nowhere", "нет правового профиля nowhere"
    )


async def test_who_answers_is_kept_too(kept: Kept) -> None:
    campaign = await kept.campaign()
    for known in (("kind mobile",), ("kind fixed",)) * 20:
        campaign.odds.model.ended(known, known == ("kind mobile",))
    await kept.keep(campaign)
    book = await kept.keeper.odds(campaign.id)
    assert book.model.state == campaign.odds.model.state
    await kept.floor.pool.execute(
        "update pacer_state set state = jsonb_set(state, '{odds}', '[1]')"
    )
    assert (await kept.keeper.odds(campaign.id)).model.weights == {}
