"""Why a campaign dials so, in Russian: nothing that the controller says is left in English."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from campaigns.campaign.model import CampaignState, CampaignStatus, GoalProgress, LastDecision
from campaigns.pacing.words import LIMITED_BY
from dialer.board import Board
from dialer.commands.campaign_shown import shown
from dialer.commands.common import speech, stdout
from dialer.lines import Link, Trunk
from dialer.live_attempts import LiveAttempts
from dialer.pacers import pacer_of
from dialer.pacing import Floor, PredictivePacer
from tests.unit.test_calls import CHANNEL, NOW, placed

ROOT = Path(__file__).parents[2]
LATIN = re.compile(r"[A-Za-z]{2,}")
FLOORS = (
    Floor(1000.0, 3, (5.0, 40.0), (3.0,), (1.0, 7.0), 2, 50),
    Floor(1001.0, 0, (), (), (), 0, 0),
    Floor(1002.0, 5, (), (), (), 0, 2),
)


@pytest.mark.parametrize("mode", ["progressive", "predictive", "broadcast"])
@pytest.mark.parametrize("floor", FLOORS)
def test_what_the_pacers_say(mode: str, floor: Floor) -> None:
    reason = pacer_of(mode, PredictivePacer()).explain(floor).reason
    assert not LATIN.search(reason.ru), reason
    assert re.findall(r"[\d.]+", reason.ru) == re.findall(r"[\d.]+", reason.en)


@pytest.mark.parametrize(
    "link",
    [
        Link(registration="rejected"),
        Link(registration="unregistered"),
        Link(contact="unreachable"),
    ],
)
def test_what_trunks_say(link: Link) -> None:
    trouble = Trunk("mts", 1, 10, 5.0, link=link).trouble(0.0)
    assert trouble is not None
    assert LATIN.findall(trouble.ru.replace("OPTIONS", "")) == ["mts"]


def test_every_sentence_of_ours_is_written_twice() -> None:
    """What stands in the code as text; names and errors are put into it."""
    wrong, seen = [], 0
    for path in (f for folder in ("agi", "campaigns", "dialer", "monitoring")
                 for f in sorted((ROOT / folder).rglob("*.py"))):  # fmt: skip
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Sentence":
                en, ru = (_written(argument) for argument in (*call.args, *_NO_TEXT)[:2])
                seen += 1
                if LATIN.search(en) and not re.search("[а-яё]", ru, re.IGNORECASE):
                    wrong.append(f"{path.relative_to(ROOT)}:{call.lineno} {en!r}")
    assert seen > 500
    assert wrong == []


_NO_TEXT = (ast.Constant(""), ast.Constant(""))


def _written(argument: ast.expr) -> str:
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return "".join(str(p.value) for p in parts if isinstance(p, ast.Constant))


def test_every_limit_has_words() -> None:
    assert all(LATIN.sub("", s.ru).strip() and s.en != s.ru for s in LIMITED_BY.values())
    assert {"operators", "budget", "lines", "cps", "leads", "hours"} <= LIMITED_BY.keys()


@pytest.mark.parametrize("reason", ["by_hand", "schedule", "goal_date", "goal_list_end"])
def test_how_a_campaign_stands(
    reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speech, "asked", "ru")
    now = datetime(2026, 3, 9, tzinfo=UTC)
    state = CampaignState(
        name="весна", status=CampaignStatus.RUNNING, mode="predictive", trunk="any",
        lists=("база",), leads={"new": 3, "claimed": 1, "dialing": 1, "retry": 2, "done": 5},
        attempts=9, in_progress=1, outcomes={"answered": 4, "no_answer": 2, "abandoned": 1},
        conversations=3, last_decision=LastDecision(now, 2, "lines", "3 free", "свободно 3"),
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
