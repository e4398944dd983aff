"""Why a campaign dials so, in Russian: nothing that the controller says is left in English."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from campaigns.campaign.model import CampaignState, CampaignStatus, GoalProgress, LastDecision
from campaigns.pacing.words import LIMITED_BY, russian
from campaigns.refusals import Sentence
from dialer.board import ENGINE_FAILED, Board
from dialer.commands.campaign_shown import shown
from dialer.commands.common import speech, stdout
from dialer.lines import Link, Trunk
from dialer.live_attempts import LiveAttempts
from dialer.pacers import Booking, pacer_of
from dialer.pacing import Floor, PredictivePacer
from tests.unit.test_calls import CHANNEL, NOW, placed

LATIN = re.compile(r"[A-Za-z]{2,}")
FLOORS = (
    Floor(1000.0, 3, (5.0, 40.0), (3.0,), (1.0, 7.0), 2, 50),
    Floor(1001.0, 0, (), (), (), 0, 0),
    Floor(1002.0, 5, (), (), (), 0, 2),
)


@pytest.mark.parametrize("mode", ["progressive", "predictive", "broadcast"])
@pytest.mark.parametrize("floor", FLOORS)
def test_what_the_pacers_say(mode: str, floor: Floor) -> None:
    pacer = pacer_of(mode, PredictivePacer())
    english = pacer.explain(floor).reason
    told = russian(english)
    assert not LATIN.search(told), told
    assert re.findall(r"[\d.]+", told) == re.findall(r"[\d.]+", english)
    failed = russian(f"{Booking(PredictivePacer().ledger).explain(floor).reason} ({ENGINE_FAILED})")
    assert LATIN.findall(failed) == ["pacer", "failed"]


@pytest.mark.parametrize(
    ("english", "kept"),
    [
        ("0: just started", []),
        ("2: 3 free, 1 ringing, 24 % answer, budget 2.1 %, 7 asked for (lines)", []),
        ("2: 3 free, 1 ringing, 24 % answer, budget 2.1 %, 7 asked for (cps)", []),
        ("1: 3 free, 1 ringing, one call per free operator, 3 asked for (breaker)", []),
        ("0: the list is finished", []),
        ("0: leads are being claimed; no trunk has a route for the number (leads: 3)", []),
        ("0: 12 leads wait, the next is due in 840 min, outside the calling hours", []),
        ("0: no free line on mts, beeline (leads: 4)", ["mts", "beeline"]),
        ("0: no trunk works of mts (leads: 4); no free line on tele (leads: 1)", ["mts", "tele"]),
        ("0: none of its trunks (mts) is there", ["mts"]),
        ("0: none of its trunks (any) is there", []),
        ("3: the node is slow to take calls", []),
        ("1: the goal is near, every call under way counts", []),
        ("0: manual, operators dial", []),
        ("2: a card for each who waits", []),
        ("0: stopping: no new calls", []),
        ("0: finding out what is live on the node", []),
        ("0: no operator signed in", []),
        ("0: no operator signed in who has english, sales", ["english", "sales"]),
        ("0: no answer from the database (TimeoutError())", ["TimeoutError"]),
        ("0: there is no sound file /x/hi", ["hi"]),
        ("0: 9 MB free for recordings in /x, 500 MB needed: free some space or turn recording off",
         []),
    ],
)  # fmt: skip
def test_what_the_controller_says(english: str, kept: list[str]) -> None:
    told = russian(english)
    assert LATIN.findall(told) == kept, told
    assert re.search("[а-я]", told)


@pytest.mark.parametrize(
    "trunk",
    [
        Link(registration="rejected"),
        Link(registration="unregistered"),
        Link(contact="unreachable"),
    ],
)
def test_what_trunks_say(trunk: Link) -> None:
    made = Trunk("mts", 1, 10, 5.0, link=trunk)
    told = russian(f"0: {made.trouble(0.0)}").replace("OPTIONS", "")
    assert LATIN.findall(told) == ["mts"]


def test_a_sentence_that_is_known_in_russian_is_taken_over() -> None:
    law = Sentence(
        "advertising needs a person in every dial", "реклама: в наборе участвует человек"
    )
    assert russian(f"0: {law.en}", [law]) == f"0: {law.ru}"


def test_every_limit_has_words() -> None:
    assert all(LATIN.sub("", s.ru).strip() and s.en != s.ru for s in LIMITED_BY.values())
    assert {"operators", "budget", "lines", "cps", "leads", "hours"} <= LIMITED_BY.keys()


@pytest.mark.parametrize("reason", ["by_hand", "schedule", "goal_date", "goal_list_end"])
def test_how_a_campaign_stands(
    reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speech, "asked", "ru")
    now = datetime(2026, 3, 9, tzinfo=UTC)
    english = "2: 3 free, 1 ringing, 24 % answer, budget 2.1 %"
    state = CampaignState(
        name="весна", status=CampaignStatus.RUNNING, mode="predictive", trunk="any",
        lists=("база",), leads={"new": 3, "claimed": 1, "dialing": 1, "retry": 2, "done": 5},
        attempts=9, in_progress=1, outcomes={"answered": 4, "no_answer": 2, "abandoned": 1},
        conversations=3, last_decision=LastDecision(now, 2, "lines", english, russian(english)),
        reason=reason, since=now, by="анна", version=1,
        goals=(GoalProgress("conversations", 10, 3), GoalProgress("decision_makers", 5, 1),
               GoalProgress("date", date(2026, 4, 1))),
    )  # fmt: skip
    for known in (state, replace(state, last_decision=None, leads={}, outcomes={})):
        for part in shown(known):
            stdout().print(part)
        told = capsys.readouterr().out
        assert set(LATIN.findall(told)) <= {"UTC"}, told


def test_a_wrap_up_is_of_the_campaign_whose_person_was_talked_with() -> None:
    live = LiveAttempts()
    board = Board(1, 1, attempts=live)
    talk = placed().seen(CHANNEL).answered(NOW + 5.0).assigned("anna")
    live[talk.id] = talk
    assert live.campaign_of(talk.id) == talk.campaign_id
    del live[talk.id]
    assert live.campaign_of(talk.id) == talk.campaign_id
    assert live.campaign_of(uuid4()) is None
    assert board.campaign_of(talk.id) is None  # it does not run
