"""Which lead goes first: nobody is lost, and no order that a campaign gave is broken."""

from __future__ import annotations

import uuid
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.calls import Lead
from dialer.lead_choice import OVERDUE_S, STEP, Hand, Turn
from dialer.odds_book import OddsBook, chosen
from dialer.pacing import Floor, Leads, PredictivePacer

NOON = 1_772_539_200.0
GOOD, BAD = "+79161234567", "+74951234567"

kinds = st.sampled_from(["first", "second", "none", "callback", "promised"])
hands = st.lists(st.tuples(st.floats(0.01, 20.0), st.integers(0, 3)), max_size=20)
shares = st.floats(0.0, 1.0)


def lead(number: int, kind: str = "first", phone: str = GOOD) -> Lead:
    standing = {"first": (5, 0), "second": (1, 7)}.get(kind)
    return Lead(
        number, 1, phone, 0, 0, 4,
        operator_id=3 if kind == "promised" else None,
        callback_id=9 if kind == "callback" else None,
        standing=(5, 0) if kind in ("promised", "callback") else standing,
    )  # fmt: skip


def taken(hand: Hand, turn: Turn, met: list[float]) -> list[int]:
    places = [hand.take(turn, share) for share in met]
    return [place for place in places if place is not None]


@settings(deadline=None, max_examples=100)
@given(hands, st.lists(shares, min_size=20, max_size=20))
def test_each_lead_is_taken_once_and_runs_keep_their_order(
    made: list[tuple[float, int]], met: list[float]
) -> None:
    odds, runs = [odds for odds, _ in made], sorted(run for _, run in made)
    places = taken(Hand(odds, runs), Turn(), met)
    assert sorted(places) == list(range(len(odds)))
    assert [runs[place] for place in places] == runs


@given(st.lists(st.floats(0.01, 20.0), max_size=20), st.lists(shares, min_size=20, max_size=20))
def test_without_runs_leads_go_as_they_come(odds: list[float], met: list[float]) -> None:
    assert taken(Hand(odds, ()), Turn(), met) == list(range(len(odds)))


@given(st.lists(st.floats(0.01, 20.0), min_size=2, max_size=20), shares)
def test_the_surest_at_a_low_risk_and_the_most_doubtful_at_a_high_one(
    odds: list[float], share: float
) -> None:
    turn = Turn()
    place = Hand(odds, [0] * len(odds)).take(turn, share)
    assert place is not None
    assert odds[place] == (max(odds) if share <= 0.3 else min(odds))


@given(st.lists(shares, min_size=1, max_size=8))
def test_both_kinds_are_dialed_alike(met: list[float]) -> None:
    """Or one of them would be left over at hand."""
    turn, sure = Turn(), 0
    for k in range(4000):
        wants = turn.wants_sure(met[k % len(met)])
        turn.chose(wants)
        sure += wants
    assert abs(sure - 2000) <= 1.2 / STEP


def test_risks_of_nothing_are_shared_too() -> None:
    turn = Turn()
    places = [Hand([0.1, 9.0], [0, 0]).take(turn, 0.0) for _ in range(1000)]
    assert 400 <= places.count(1) <= 600


def taught() -> OddsBook:
    """Of mobiles every second one answers, of fixed phones nobody."""
    book = OddsBook()
    for k in range(400):
        for phone in (GOOD, BAD):
            attempt = uuid.uuid4()
            book.placed(attempt, lead(0, phone=phone), NOON)
            book.ended(attempt, answered=phone == GOOD and k % 2 == 0)
    return book


BOOK = taught()


@settings(deadline=None, max_examples=100)
@given(st.lists(kinds, max_size=30), st.data())
def test_only_leads_of_one_standing_change_places(made: list[str], data: st.DataObject) -> None:
    buffer = deque(lead(i, kind, data.draw(st.sampled_from([GOOD, BAD]))) for i, kind in
                   enumerate(made))  # fmt: skip
    before = list(buffer)
    leads = BOOK.leads([], buffer, NOON)
    assert leads is not None
    met = data.draw(st.lists(shares, min_size=len(made), max_size=len(made)))
    chosen(buffer, taken(Hand(leads.next, leads.runs), Turn(), met))
    assert sorted(x.id for x in buffer) == list(range(len(made)))
    for old, new in zip(before, buffer, strict=True):
        assert old.standing == new.standing
        if old.standing is None or old.callback_id or old.operator_id:
            assert old is new


def test_leads_are_ordinary_until_the_odds_are_trusted() -> None:
    buffer = deque([lead(0, phone=BAD), lead(1, phone=GOOD)])
    assert OddsBook().leads([], buffer, NOON) is None
    assert [x.id for x in buffer] == [0, 1]


def test_what_was_passed_over_for_long_goes_first() -> None:
    book = taught()
    old, young = lead(0, phone=BAD), lead(1, phone=GOOD)
    book.leads([], deque([old]), NOON)
    buffer = deque([young, old])
    told = book.leads([], buffer, NOON + OVERDUE_S + 1.0)
    assert told is not None
    assert [x.id for x in buffer] == [0, 1]
    assert Hand(told.next, told.runs).take(Turn(), 0.0) == 0


def test_free_operators_get_the_surest_leads_and_calls_ahead_are_doubtful_ones() -> None:
    """With the ledger full, three operators free, and leads of both kinds at hand."""
    pacer = PredictivePacer()
    pacer.ledger.answered(0.0, 5000)
    for k in range(400):
        pacer.attempt_ended(float(k), 9.0 if k % 4 == 0 else 27.0, k % 4 == 0)
        pacer.talk_ended(float(k), 90.0)
        pacer.wrap_ended(float(k), 20.0)
    odds = (1.0, 0.02, 5.0, 0.02, 1.0)
    floor = Floor(400.0, 3, (10.0,) * 4, (), (), 0, 50)
    calls = pacer.decide(floor, Leads((), odds, (0,) * 5))
    assert calls == len(pacer.picks) >= 4
    assert pacer.picks[:3] == (2, 0, 4)
    assert set(pacer.picks[3:5]) <= {1, 3}
    assert pacer.explain(floor, Leads((), odds, (0,) * 5)).picks == pacer.picks
    as_they_come = pacer.decide(floor, Leads((), odds))
    assert pacer.picks == tuple(range(as_they_come))
