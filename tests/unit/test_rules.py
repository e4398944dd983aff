"""Whether a lead may be dialed: one table of stories for each rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours.calendar import read
from campaigns.hours.model import Schedule, week, zone_of
from campaigns.hours.shipped import shipped as calendars
from campaigns.legal.shipped import shipped as profiles
from campaigns.rules import limits
from campaigns.rules.limits import Limit, Limits, LimitsError
from campaigns.rules.model import (
    RULES,
    CallbackFacts,
    Dialed,
    LeadFacts,
    PhoneFacts,
    Policy,
    Staff,
    judge,
    who,
)
from dialer.outcomes import EndedBy, Outcome

MOSCOW = "Europe/Moscow"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=zone_of(MOSCOW))  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ONE, TWO = PhoneFacts("+74951234567"), PhoneFacts("+74957654321", position=1)
CALENDAR = read(calendars()["ru"], "ru")
ANNA, BORIS = 1, 2
STAFF = Staff(frozenset({ANNA}), frozenset({ANNA, BORIS}))


def policy(profile: str = "own", **changes: Any) -> Policy:
    law = profiles()[profile][1]
    hours = Schedule(law.hours, CALENDAR, week(changes.pop("hours", {})))
    own = limits.effective(changes.pop("limits", {}), law.limits)
    made = Policy(changes.pop("mode", "progressive"), law, hours, own, 4, consent_needed=False)
    return replace(made, **changes)


def dialed(
    ago: timedelta, outcome: Outcome | None = Outcome.NO_ANSWER, phone: str = ONE.e164
) -> Dialed:
    ended = None if outcome is None else NOW - ago + timedelta(seconds=30)
    return Dialed(phone, NOW - ago, ended, outcome, EndedBy.NETWORK)


def lead(**changes: Any) -> LeadFacts:
    return replace(LeadFacts(7, next_at=NOW - HOUR, phones=(ONE,)), **changes)


@pytest.mark.parametrize(
    ("facts", "rules", "blocked", "again"),
    [
        (lead(), policy(), [], None),
        # Retry and approaches
        (lead(next_at=NOW + HOUR), policy(), ["retry_pause"], NOW + HOUR),
        (lead(approaches=4), policy(), ["approaches_spent"], None),
        (lead(approaches=3), policy(), [], None),
        (lead(status="done"), policy(), ["done"], None),
        (lead(status="dialing"), policy(), ["in_call"], None),
        # Somebody else of the floor talks with them
        (lead(history=(dialed(HOUR, None),)), policy(), ["in_call"], NOW + timedelta(seconds=5)),
        # Phones
        (lead(phones=()), policy(), ["no_phone"], None),
        (lead(phones=(replace(ONE, invalid=True),)), policy(), ["phone_invalid"], None),
        (lead(phones=(replace(ONE, invalid=True), TWO)), policy(), [], None),
        (lead(phones=(replace(ONE, forbidden=True),)), policy(), ["do_not_call"], None),
        (
            lead(phones=(replace(ONE, forbidden=True, forbidden_until=NOW + DAY),)),
            policy(),
            ["do_not_call"],
            NOW + DAY,
        ),
        # Consent
        (lead(), policy(consent_needed=True), ["no_consent"], None),
        (lead(phones=(replace(ONE, consent=True),)), policy(consent_needed=True), [], None),
        (lead(), policy("ru_advertising", mode="preview"), ["no_consent"], None),
        # Hours where the person is
        (lead(contact_zone="Asia/Vladivostok"), policy(), [], None),
        (
            lead(contact_zone="Asia/Kamchatka"),
            policy(),
            ["hours_closed"],
            NOW.replace(hour=0) + DAY,
        ),
        (lead(phones=(PhoneFacts("+870773111632"),)), policy(), ["zone_unknown"], None),
        (
            lead(),
            policy(hours={"wed": [["15:00", "18:00"]]}),
            ["hours_closed"],
            NOW.replace(hour=15),
        ),
        # After an abandoned call: 72 hours, whoever abandoned them
        (
            lead(history=(dialed(DAY, Outcome.ABANDONED),)),
            policy("uk"),
            ["after_abandoned"],
            NOW + 2 * DAY + timedelta(seconds=30),
        ),
        (lead(history=(dialed(DAY, Outcome.ABANDONED),)), policy("uk", mode="preview"), [], None),
        (lead(history=(dialed(4 * DAY, Outcome.ABANDONED),)), policy("uk"), [], None),
        # Debt: once a day, twice a week, eight times a month; a line that was dead does not count
        (
            lead(history=(dialed(2 * HOUR),)),
            policy("ru_debt"),
            ["limit_per_day"],
            NOW.replace(hour=0) + DAY,
        ),
        (lead(history=(dialed(2 * HOUR, Outcome.FAILED),)), policy("ru_debt"), [], None),
        (
            lead(history=(dialed(DAY), dialed(2 * DAY))),
            policy("ru_debt"),
            ["limit_per_week"],
            NOW.replace(hour=0) + 5 * DAY,
        ),
        (lead(history=(dialed(3 * DAY), dialed(4 * DAY))), policy("ru_debt"), [], None),
        (
            lead(history=tuple(dialed((n + 3) * DAY) for n in range(8))),
            policy("ru_debt"),
            ["limit_per_month"],
            NOW.replace(hour=0) + 6 * DAY,
        ),
        # The campaign's own limits
        (
            lead(history=(dialed(HOUR),)),
            policy(limits={"minimum_pause_s": 7200}),
            ["minimum_pause"],
            NOW + HOUR,
        ),
        (
            lead(history=(dialed(9 * DAY), dialed(99 * DAY))),
            policy(limits={"in_all": 2}),
            ["limit_in_all"],
            None,
        ),
        # One phone is used up for today, the other one is not
        (
            lead(phones=(ONE, TWO), history=(dialed(HOUR),)),
            policy(limits={"phone_per_day": 1}),
            [],
            None,
        ),
        # Owners
        (lead(owner_id=ANNA), policy(), [], None),
        (lead(owner_id=BORIS), policy(), ["owner_absent"], NOW + timedelta(minutes=1)),
        (lead(owner_id=99), policy(), [], None),  # has left the company
        # Callbacks
        (
            lead(callback=CallbackFacts(1, NOW + HOUR), next_at=NOW + HOUR),
            policy(),
            ["callback_later"],
            NOW + HOUR,
        ),
        (
            lead(callback=CallbackFacts(1, NOW), approaches=4, next_at=NOW + HOUR),
            policy(),
            [],
            None,
        ),
        (
            lead(callback=CallbackFacts(1, NOW, "escalated")),
            policy(),
            ["callback_escalated"],
            None,
        ),
        # Two reasons: both are named, and asked again when the later one has ended
        (
            lead(contact_zone="Asia/Kamchatka", next_at=NOW + 2 * DAY),
            policy(),
            ["retry_pause", "hours_closed"],
            NOW + 2 * DAY,
        ),
    ],
)
def test_a_leads_rules(
    facts: LeadFacts, rules: Policy, blocked: list[str], again: datetime | None
) -> None:
    verdict = judge(facts, rules, STAFF, NOW)
    assert [block.rule for block in verdict.blocks] == blocked
    assert (verdict.phone is None) is bool(blocked)
    assert verdict.again_at == again


def test_every_rule_has_its_two_sentences() -> None:
    for rule, sentence in RULES.items():
        assert sentence.en and sentence.ru and sentence.en != sentence.ru, rule


@pytest.mark.parametrize(
    ("callback", "taker", "rule", "escalates"),
    [
        (CallbackFacts(1, NOW), None, "", False),
        (CallbackFacts(1, NOW, operator_id=ANNA), ANNA, "", False),
        # Boris is not here yet: ten minutes of grace, then anyone or the supervisor.
        (CallbackFacts(1, NOW - HOUR / 12, operator_id=BORIS), None, "owner_absent", False),
        (CallbackFacts(1, NOW - HOUR, operator_id=BORIS), None, "", False),
        (
            CallbackFacts(1, NOW - HOUR, operator_id=BORIS, escalation="supervisor"),
            None,
            "callback_escalated",
            True,
        ),
        # Anna is here but talks: hers still under `supervisor`, anyone's otherwise.
        (
            CallbackFacts(1, NOW - HOUR, operator_id=ANNA, escalation="supervisor"),
            ANNA,
            "",
            False,
        ),
        (CallbackFacts(1, NOW - HOUR, operator_id=ANNA), None, "", False),
        (CallbackFacts(1, NOW, operator_id=99), None, "", False),  # left the company
    ],
)
def test_who_calls_back(
    callback: CallbackFacts, taker: int | None, rule: str, escalates: bool
) -> None:
    found = who(lead(callback=callback), STAFF, NOW)
    assert found.operator_id == taker
    assert (found.block.rule if found.block else "") == rule
    assert found.escalates is escalates


def test_phones_are_taken_in_turn() -> None:
    facts = lead(phones=(ONE, TWO), next_phone=1)
    assert judge(facts, policy(), STAFF, NOW).phone == TWO
    blocked = replace(facts, phones=(ONE, replace(TWO, forbidden=True)))
    assert judge(blocked, policy(), STAFF, NOW).phone == ONE


def test_a_lead_is_closed_only_by_what_has_no_end() -> None:
    gone = lead(phones=(replace(ONE, invalid=True), replace(TWO, forbidden=True)))
    assert judge(gone, policy(), STAFF, NOW).closes == "do_not_call"
    # Whatever else holds for now changes nothing.
    left_alone = replace(gone, history=(dialed(HOUR, Outcome.ABANDONED),))
    assert judge(left_alone, policy("uk"), STAFF, NOW).closes == "do_not_call"
    assert judge(lead(phones=()), policy(), STAFF, NOW).closes == "no_phone"
    for_a_day = replace(ONE, forbidden=True, forbidden_until=NOW + DAY)
    for facts in (
        lead(),
        lead(phones=(for_a_day,)),
        lead(phones=(replace(ONE, invalid=True), TWO)),
    ):
        assert judge(facts, policy(consent_needed=True), STAFF, NOW).closes == ""


TIMES = st.lists(st.integers(0, 100 * 24 * 60), max_size=30).map(
    lambda minutes: [NOW - timedelta(minutes=n) for n in minutes]
)
PLACES = st.lists(
    st.sampled_from([MOSCOW, "Asia/Kamchatka", "Europe/Berlin", "America/New_York"]),
    min_size=1, max_size=3, unique=True,
).map(tuple)  # fmt: skip


@given(TIMES, PLACES, st.integers(1, 6), st.sampled_from(["per_day", "per_week", "per_month"]))
def test_a_limit_is_never_passed_and_is_free_when_it_says(
    times: list[datetime], places: tuple[str, ...], most: int, span: str
) -> None:
    """Counted here in another way: by the calendar's own labels of each zone."""

    def label(at: datetime, zone: str) -> Any:
        local = at.astimezone(zone_of(zone))
        return {
            "per_day": local.date(),
            "per_week": tuple(local.isocalendar())[:2],
            "per_month": (local.year, local.month),
        }[span]

    def full(now: datetime) -> bool:
        return any(
            sum(label(at, zone) == label(now, zone) for at in times) >= most for zone in places
        )

    found = list(Limit(**{span: most}).reached(times, places, NOW))
    assert bool(found) is full(NOW)
    for _, until in found:
        assert until is not None and until > NOW
        assert not full(until)


@given(
    st.builds(
        LeadFacts,
        id=st.just(1),
        status=st.sampled_from(["new", "retry", "done", "dialing"]),
        approaches=st.integers(0, 6),
        next_at=st.integers(-50, 50).map(lambda h: NOW + h * HOUR),
        contact_zone=st.sampled_from([None, MOSCOW, "Asia/Kamchatka"]),
        phones=st.lists(
            st.builds(
                PhoneFacts,
                e164=st.sampled_from([ONE.e164, TWO.e164]),
                invalid=st.booleans(),
                forbidden=st.booleans(),
                consent=st.booleans(),
            ),
            max_size=2, unique_by=lambda p: p.e164,
        ).map(tuple),
        history=st.lists(
            st.builds(
                dialed,
                st.integers(0, 400).map(lambda h: h * HOUR),
                st.sampled_from([Outcome.NO_ANSWER, Outcome.ABANDONED, Outcome.FAILED, None]),
            ),
            max_size=5,
        ).map(tuple),
    ),
    st.sampled_from([policy(), policy("uk"), policy("ru_debt"), policy(consent_needed=True)]),
)  # fmt: skip
def test_no_verdict_lets_a_forbidden_dial_through(facts: LeadFacts, rules: Policy) -> None:
    verdict = judge(facts, rules, STAFF, NOW)
    if verdict.phone is None:
        assert verdict.blocks
        assert verdict.again_at is None or verdict.again_at > NOW
        return
    phone = verdict.phone
    assert not phone.invalid and not phone.forbidden
    assert phone.consent or not rules.consent_needed
    assert facts.status in ("new", "retry") and facts.approaches < rules.max_approaches
    assert facts.next_at is not None and facts.next_at <= NOW
    assert all(each.outcome is not None for each in facts.history)
    assert rules.schedule.open(verdict.zones, NOW)
    assert verdict.open_until is not None and verdict.open_until > NOW


@pytest.mark.parametrize(
    "wrong",
    [{"per_year": 1}, {"per_day": 0}, {"per_day": 1.5}, {"per_day": True}, [], {"in_all": "3"}],
)
def test_wrong_limits_name_the_key(wrong: Any) -> None:
    with pytest.raises(LimitsError) as refused:
        limits.read(wrong)
    assert refused.value.id == "bad_limits"


def test_the_stricter_of_law_and_campaign_counts() -> None:
    law = profiles()["ru_debt"][1].limits
    assert limits.effective({"per_day": 5, "per_week": 1}, law).person == Limit(None, 1, 1, 8)
    assert limits.effective({}, profiles()["own"][1].limits) == Limits()
