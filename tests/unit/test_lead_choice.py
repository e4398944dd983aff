"""Which lead goes first: nobody is lost, and no order that a campaign gave is broken."""

from __future__ import annotations

import uuid
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.calls import Lead
from dialer.lead_choice import arranged, wants_sure
from dialer.odds_book import OVERDUE_S, OddsBook

NOON = 1_772_539_200.0
GOOD, BAD = "+79161234567", "+74951234567"

kinds = st.sampled_from(["first", "second", "none", "callback", "promised"])
buffers = st.lists(st.tuples(kinds, st.floats(0.01, 20.0), st.booleans()), max_size=30)


def lead(number: int, kind: str = "first", phone: str = GOOD) -> Lead:
    standing = {"first": (5, 0), "second": (1, 7)}.get(kind)
    return Lead(
        number, 1, phone, 0, 0, 4,
        operator_id=3 if kind == "promised" else None,
        callback_id=9 if kind == "callback" else None,
        standing=(5, 0) if kind in ("promised", "callback") else standing,
    )  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(buffers, st.booleans())
def test_only_leads_of_one_standing_change_places(
    made: list[tuple[str, float, bool]], sure: bool
) -> None:
    leads = [lead(i, kind) for i, (kind, _, _) in enumerate(made)]
    odds, overdue = [m[1] for m in made], [m[2] for m in made]
    out = arranged(leads, odds, overdue, sure=sure)
    assert sorted(x.id for x in out) == list(range(len(leads)))
    for before, after in zip(leads, out, strict=True):
        assert before.standing == after.standing
        if before.standing is None or before.callback_id or before.operator_id:
            assert before is after


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0.01, 20.0), max_size=20), st.booleans())
def test_equal_leads_go_by_odds(odds: list[float], sure: bool) -> None:
    leads = [lead(i) for i in range(len(odds))]
    out = [odds[x.id] for x in arranged(leads, odds, [False] * len(odds), sure=sure)]
    assert out == sorted(odds, reverse=sure)


def test_what_was_passed_over_for_long_goes_first() -> None:
    out = arranged([lead(0), lead(1), lead(2)], [1.0, 9.0, 0.1], [False, False, True], sure=True)
    assert [x.id for x in out] == [2, 1, 0]


def test_sure_ones_while_hardly_an_operator_is_free_for_what_comes() -> None:
    assert wants_sure(0, [])
    assert wants_sure(2, [0.6, 0.6])
    assert not wants_sure(3, [0.3, 0.3])


def taught() -> OddsBook:
    """Of mobiles every second one answers, of fixed phones nobody."""
    book = OddsBook()
    for k in range(400):
        for phone in (GOOD, BAD):
            attempt = uuid.uuid4()
            book.placed(attempt, lead(0, phone=phone), NOON)
            book.ended(attempt, answered=phone == GOOD and k % 2 == 0)
    return book


def test_a_buffer_is_left_alone_until_the_odds_are_trusted() -> None:
    buffer = deque([lead(0, phone=BAD), lead(1, phone=GOOD)])
    OddsBook().arrange(buffer, [], 0, NOON)
    assert [x.id for x in buffer] == [0, 1]


def test_a_buffer_by_what_is_free_and_rings() -> None:
    book, buffer = taught(), deque([lead(0, phone=BAD), lead(1, phone=GOOD)])
    book.arrange(buffer, [], 0, NOON)
    assert [x.id for x in buffer] == [1, 0]
    book.arrange(buffer, [], 3, NOON)
    assert [x.id for x in buffer] == [0, 1]
    ringing = [uuid.uuid4() for _ in range(8)]
    for attempt in ringing:
        book.placed(attempt, lead(7, phone=GOOD), NOON)
    book.arrange(buffer, ringing, 3, NOON)
    assert [x.id for x in buffer] == [1, 0]
    book.arrange(buffer, ringing, 3, NOON + OVERDUE_S + 1.0)
    assert [x.id for x in buffer] == [1, 0]
    book.arrange(buffer, [], 3, NOON + OVERDUE_S + 1.0)
    assert [x.id for x in buffer] == [1, 0]
