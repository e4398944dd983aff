"""What is told of single leads: the odds a call began with, in the order of the ringing calls."""

from __future__ import annotations

import uuid
from collections import deque

from dialer.calls import Lead
from dialer.lead_odds import LeadOdds
from dialer.odds_book import MOST_NEXT, OddsBook

NOON = 1_772_539_200.0
GOOD, BAD = "+79161234567", "+74951234567"


def lead(phone: str, approaches: int = 0) -> Lead:
    return Lead(1, 1, phone, approaches, 0, 4)


def taught(calls: int = 400) -> OddsBook:
    """Of mobiles one in two answers, of fixed phones nobody."""
    book = OddsBook()
    for k in range(calls):
        for phone in (GOOD, BAD):
            attempt = uuid.uuid4()
            book.placed(attempt, lead(phone), NOON)
            book.ended(attempt, answered=phone == GOOD and k % 2 == 0)
    return book


def test_before_anything_is_known_all_leads_are_ordinary() -> None:
    book = OddsBook()
    first = uuid.uuid4()
    book.placed(first, lead(GOOD), NOON)
    assert book.leads([first], deque([lead(BAD)]), NOON) is None
    assert book.ended(first, answered=True) == 1.0


def test_ringing_calls_have_the_odds_they_were_placed_with() -> None:
    book = taught()
    first, second, foreign = (uuid.uuid4() for _ in range(3))
    book.placed(first, lead(GOOD), NOON)
    book.placed(second, lead(BAD), NOON)
    told = book.leads([second, foreign, first], deque([lead(GOOD), lead(BAD)]), NOON)
    assert told is not None
    low, unknown, high = told.ringing
    assert low < unknown == 1.0 < high
    assert told.next[0] > told.next[1]
    book.model.gained = 0.0
    assert book.ended(first, answered=True) == high


def test_of_many_leads_only_the_next_ones_are_told() -> None:
    told = taught().leads([], deque([lead(GOOD)] * 1000), NOON)
    assert told is not None
    assert len(told.next) == MOST_NEXT


def test_a_call_that_tells_nothing_teaches_nothing() -> None:
    book = OddsBook()
    first = uuid.uuid4()
    book.placed(first, lead(GOOD), NOON)
    book.forget(first)
    assert book.ended(first, answered=True) == 1.0
    assert book.model == LeadOdds()


def test_a_list_that_answers_worse_than_another_is_a_segment_of_its_own() -> None:
    """Same kind of number, same area: what tells them apart is the list they came with."""
    book = OddsBook()
    good = Lead(1, 1, GOOD, 0, 0, 4, facts={"list": 7})
    dead = Lead(2, 1, GOOD, 0, 0, 4, facts={"list": 8})
    for k in range(400):
        for called in (good, dead):
            attempt = uuid.uuid4()
            book.placed(attempt, called, NOON)
            book.ended(attempt, answered=called is good and k % 2 == 0)
    told = book.leads([], deque([good, dead]), NOON)
    assert told is not None
    assert told.next[0] > 3.0 * told.next[1]
