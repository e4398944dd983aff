"""Leads to trunks, and what a trunk never took up to the next one: without a node or a database."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import pytest

from campaigns.refusals import Sentence
from dialer.board import Board, Campaign
from dialer.calls import Ended, Lead, Placed
from dialer.journal import Journal
from dialer.lines import TRIP_AFTER, Trunk
from dialer.outcomes import EndedBy, Outcome
from dialer.pacing import PredictivePacer
from dialer.routing import Route
from dialer.store import Store
from dialer.ways import BROKEN_PAUSE_S, NO_ROUTE_PAUSE_S, FailOver, Ways, never_taken_up

NOW = 1_790_000_000.0


def a_campaign(*phones: str, trunks: tuple[str, ...] = ()) -> Campaign:
    made = Campaign(
        id=1, name="c", mode="progressive", language="ru", caller_ids=("+71", "+72"),
        trunks=trunks, ring_timeout_s=25, post_dial_delay_s=10, wrap_up_limit_s=60,
        recording=False, max_approaches=4, max_abandon_rate=0.03, engine=PredictivePacer(),
    )  # fmt: skip
    made.buffer = deque(Lead(i, 1, phone, 0, 0, 4) for i, phone in enumerate(phones))
    return made


def a_board(campaign: Campaign, *routes: Route, lines: int = 2) -> Board:
    board = Board(1, 1)
    names = dict.fromkeys(route.trunk for route in routes)
    board.trunks = {name: Trunk(name, i, lines, 100.0) for i, name in enumerate(names)}
    board.routes, board.campaigns = routes, {campaign.id: campaign}
    return board


def break_trunk(board: Board, name: str) -> None:
    for _ in range(TRIP_AFTER):
        board.trunks[name].breaker.dead(NOW)


def take(board: Board, campaign: Campaign, count: int = 10) -> list[tuple[int, str, str | None]]:
    found = []
    for lead, way in Ways(board, random.Random(1)).take(campaign, count, NOW):
        board.trunks[way.trunk].place()
        found.append((lead.id, way.trunk, way.caller_id))
    return found


def test_a_lead_whose_trunk_is_full_waits_and_the_next_goes_first() -> None:
    campaign = a_campaign("+71", "+72", "+73", "+44")
    board = a_board(campaign, Route("ru", "+7"), Route("uk", "+44"))
    assert take(board, campaign) == [(0, "ru", "+71"), (1, "ru", "+72"), (3, "uk", "+71")]
    assert [lead.id for lead in campaign.buffer] == [2]
    assert campaign.ways_note == Sentence(
        "no free line on ru (leads: 1)", "нет свободной линии на ru (лидов: 1)"
    )
    assert campaign.stranded == {}


def test_a_lead_without_a_route_leaves_the_buffer() -> None:
    campaign = a_campaign("+44", "+71")
    board = a_board(campaign, Route("ru", "+7"))
    assert take(board, campaign) == [(1, "ru", "+71")]
    assert campaign.stranded == {0: NO_ROUTE_PAUSE_S}
    assert not campaign.buffer
    assert take(board, campaign, 0) == []
    assert campaign.ways_note is not None
    assert "no trunk has a route" in campaign.ways_note.en


def test_a_buffer_of_leads_that_no_trunk_takes_makes_room_for_others() -> None:
    campaign = a_campaign("+71", "+72")
    board = a_board(campaign, Route("ru", "+7"), Route("uk", "+44"))
    break_trunk(board, "ru")
    assert take(board, campaign) == []
    assert campaign.stranded == {0: BROKEN_PAUSE_S, 1: BROKEN_PAUSE_S}


def test_room_is_what_the_campaigns_own_trunks_have() -> None:
    campaign = a_campaign(trunks=("a",))
    board = a_board(campaign, Route("a"), Route("b"))
    ways = Ways(board)
    assert ways.room(campaign, NOW) == (2, "lines", None)
    assert ways.room(replace(campaign, trunks=()), NOW) == (4, "lines", None)
    break_trunk(board, "a")
    calls, limited_by, why = ways.room(campaign, NOW)
    assert (calls, limited_by) == (0, "breaker")
    assert why is not None and why.en == "trunk a does not ring; a probe call in 5 s"
    assert ways.room(replace(campaign, trunks=()), NOW) == (2, "lines", None)
    _, limited_by, why = ways.room(replace(campaign, trunks=("c",)), NOW)
    assert limited_by == "down"
    assert why == Sentence("none of its trunks (c) is there", "нет ни одного её транка (c)")


def ended(**changes: Any) -> Ended:
    placed = Placed(
        id=uuid4(), campaign_id=1, lead=Lead(7, 1, "+71", 0, 0, 4), trunk="a", placed_at=NOW
    )
    end = placed.ended(NOW + 1, cause=0, sip_code=None, by=EndedBy.NETWORK)
    return replace(end, **changes)


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"outcome": Outcome.CONGESTION}, True),
        ({"ended_by": EndedBy.RING_TIMEOUT}, True),
        ({"rang_at": NOW + 0.5}, False),
        ({"progressed": True}, False),
        ({"rang_known": False}, False),
        ({"answered_at": NOW + 0.5}, False),
        ({"ended_by": EndedBy.DIALER}, False),
        ({"ended_by": EndedBy.NODE}, False),
        *(
            ({"outcome": outcome}, False)
            for outcome in Outcome
            if outcome not in (Outcome.FAILED, Outcome.CONGESTION)
        ),
    ],
)
def test_only_what_nobody_can_have_noticed_is_passed_on(
    changes: dict[str, Any], passed: bool
) -> None:
    assert never_taken_up(ended(**changes)) is passed
    campaign = a_campaign()
    board = a_board(campaign, Route("a"), Route("b"))
    journal = Journal(cast(Any, None))
    over = FailOver(board, Ways(board), cast(Store, None), journal, lambda: None)
    over.ended(ended(**changes))
    assert (len(journal) == 1) is passed
    assert board.passed_on == ({7: frozenset("a")} if passed else {})


def test_it_ends_when_every_trunk_was_tried_or_nothing_else_works() -> None:
    campaign = a_campaign()
    board = a_board(campaign, Route("a"), Route("b"), Route("c"))
    journal = Journal(cast(Any, None))
    over = FailOver(board, Ways(board), cast(Store, None), journal, lambda: None)
    break_trunk(board, "c")
    over.ended(ended())
    assert board.passed_on == {7: frozenset("a")}
    over.ended(ended(trunk="b"))
    assert board.passed_on == {}
    for stop in ("running", "draining"):
        campaign.running, board.draining = stop != "running", stop == "draining"
        over.ended(ended())
        assert board.passed_on == {}
    assert len(journal) == 1
