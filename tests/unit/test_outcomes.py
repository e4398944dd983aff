"""One outcome for whatever the line said; docs/reference/outcomes.md says the same as the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.outcomes import (
    CAUSE_OUTCOMES,
    DIAL_STATUS_OUTCOMES,
    SIP_CLASS_OUTCOMES,
    SIP_OUTCOMES,
    EndedBy,
    LineEvidence,
    Outcome,
    costs_approach,
    outcome_of,
)

PAGE = (Path(__file__).parents[2] / "docs/reference/outcomes.md").read_text()
KNOWN = {"yes": True, "no": False, "?": None}


def table(first_column: str, second_column: str) -> list[list[str]]:
    """The rows of the page's table that begins with these columns."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} | {second_column} |"):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def number(cell: str) -> int | None:
    return None if cell == "-" else int(cell)


def refused(sip: str, cause: str, status: str, dial_end: str, rang: str) -> LineEvidence:
    """What the line said about an attempt that nobody answered, in the words of the page."""
    return LineEvidence(
        sip_code=number(sip),
        cause=int(cause),
        dial_status="" if status == "-" else status,
        refused_by_network=dial_end == "yes",
        rang=KNOWN[rang],
    )


@pytest.mark.parametrize(
    ("sip", "cause", "status", "dial_end", "rang", "outcome"),
    [
        # Measured on Asterisk 22.10, answered by the far end before and while it rang.
        ("486", "17", "BUSY", "yes", "no", "busy"),
        ("486", "17", "BUSY", "yes", "yes", "busy"),
        ("404", "1", "NOANSWER", "yes", "no", "invalid"),
        ("604", "1", "NOANSWER", "yes", "no", "invalid"),
        ("410", "22", "NOANSWER", "yes", "no", "invalid"),
        ("503", "34", "CONGESTION", "yes", "no", "congestion"),
        ("603", "21", "NOANSWER", "yes", "no", "rejected"),
        ("603", "21", "NOANSWER", "yes", "yes", "rejected"),
        ("403", "21", "NOANSWER", "yes", "no", "rejected"),
        ("480", "19", "NOANSWER", "yes", "no", "no_answer"),
        ("480", "19", "NOANSWER", "yes", "yes", "no_answer"),
        ("408", "18", "NOANSWER", "yes", "yes", "no_answer"),
        ("500", "38", "NOANSWER", "yes", "no", "congestion"),
        ("607", "127", "NOANSWER", "yes", "no", "rejected"),
        # Our own ring timeout: no DialEnd. A trunk that is silent looks the same but never rings.
        ("480", "19", "-", "no", "yes", "no_answer"),
        ("480", "19", "-", "no", "no", "failed"),
        # PJSIP's own 408 for an INVITE that nothing replied to.
        ("408", "18", "NOANSWER", "yes", "no", "failed"),
    ],
)
def test_what_asterisk_says_gives_the_outcome(
    sip: str, cause: str, status: str, dial_end: str, rang: str, outcome: str
) -> None:
    assert outcome_of(refused(sip, cause, status, dial_end, rang)) == outcome


@pytest.mark.parametrize("row", table("SIP", "cause"), ids=" ".join)
def test_a_row_of_refusals_is_what_the_code_does(row: list[str]) -> None:
    *evidence, outcome, _ = row
    assert outcome_of(refused(*evidence)) == outcome


@pytest.mark.parametrize("row", table("answered", "conversation"), ids=" ".join)
def test_a_row_of_answers_is_what_the_code_does(row: list[str]) -> None:
    answered, conversed, abandoned, channel = (KNOWN[cell] is True for cell in row[:4])
    line = LineEvidence(
        answered=answered, conversed=conversed, abandoned=abandoned, channel_existed=channel
    )
    assert outcome_of(line) == row[4]


def test_the_page_has_every_code_cause_and_status() -> None:
    assert {int(a): b for a, b in table("SIP", "outcome")} == SIP_OUTCOMES
    assert {int(a): b for a, b in table("cause", "outcome")} == CAUSE_OUTCOMES
    assert dict(table("dial status", "outcome")) == DIAL_STATUS_OUTCOMES
    assert [row[0] for row in table("outcome", "what it means")] == list(Outcome)
    classes = ", ".join(f"{digit}xx `{name}`" for digit, name in SIP_CLASS_OUTCOMES.items())
    assert classes.replace("3xx `failed`, 4xx", "3xx and 4xx") in " ".join(PAGE.split())


@pytest.mark.parametrize(("sip", "outcome"), SIP_OUTCOMES.items())
def test_a_sip_code_that_ended_the_ringing_decides_alone(sip: int, outcome: Outcome) -> None:
    line = LineEvidence(rang=True, refused_by_network=True, sip_code=sip, cause=127)
    assert outcome_of(line) is outcome


@pytest.mark.parametrize(("cause", "outcome"), CAUSE_OUTCOMES.items())
def test_a_cause_alone_decides_where_nobody_watched(cause: int, outcome: Outcome) -> None:
    assert outcome_of(LineEvidence(rang=None, cause=cause)) is outcome


@pytest.mark.parametrize(("status", "outcome"), DIAL_STATUS_OUTCOMES.items())
def test_a_dial_status_decides_last(status: str, outcome: Outcome) -> None:
    line = LineEvidence(rang=True, refused_by_network=True, cause=127, dial_status=status)
    assert outcome_of(line) is outcome


lines = st.builds(
    LineEvidence,
    answered=st.booleans(),
    conversed=st.booleans(),
    abandoned=st.booleans(),
    rang=st.sampled_from([True, False, None]),
    refused_by_network=st.booleans(),
    cause=st.integers(0, 130),
    sip_code=st.none() | st.integers(0, 999),
    dial_status=st.sampled_from(["", "ANSWER", "BUSY", "NOANSWER", "CONGESTION", "CHANUNAVAIL"]),
    channel_existed=st.booleans(),
)


@given(lines)
def test_any_evidence_gives_an_outcome_that_fits_the_answer(line: LineEvidence) -> None:
    outcome = outcome_of(line)
    assert (outcome in (Outcome.ANSWERED, Outcome.ABANDONED)) is line.answered
    if line.answered and line.conversed:
        assert outcome is Outcome.ANSWERED
    # Those two are told by a person or by nobody, never by the line.
    assert outcome not in (Outcome.MACHINE, Outcome.UNKNOWN)


@given(lines, st.sampled_from(EndedBy))
def test_a_silent_trunk_never_costs_an_approach(line: LineEvidence, by: EndedBy) -> None:
    silent = not line.answered and line.rang is False and not line.refused_by_network
    if silent and outcome_of(line) is Outcome.NO_ANSWER:
        raise AssertionError("a trunk that never rang cannot tell that a person did not answer")
    if not line.answered and not line.channel_existed:
        assert not costs_approach(outcome_of(line), by)
