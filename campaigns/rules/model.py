"""PURE. Whether a lead may be dialed now, over which phone, and what keeps it from being dialed.

`judge` asks every rule of every phone; nothing here reads a clock or a database. A rule is named
by its stable id (`RULES`), each block says until when it holds (None: until somebody changes
something).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.hours.model import Schedule
from campaigns.hours.zones import zones_of
from campaigns.legal.model import Profile
from campaigns.refusals import Sentence
from campaigns.rules.limits import Limits
from dialer.outcomes import EndedBy, Outcome, costs_approach

RECHECK = timedelta(minutes=1)
IN_CALL_RECHECK = timedelta(seconds=5)
FOR_GOOD = ("do_not_call", "phone_invalid", "no_phone")
"""Rules that close a lead when they hold for all its phones and have no end."""

RULES: dict[str, Sentence] = {
    "campaign_not_running": Sentence("the campaign is not running", "кампания не запущена"),
    "legal_contradiction": Sentence(
        "the campaign's settings contradict its legal profile",
        "настройки кампании противоречат её правовому профилю",
    ),
    "register_stale": Sentence(
        "the do-not-call register has not been imported lately enough: prozvon dnc import",
        "реестр запретов давно не обновлялся: prozvon dnc import",
    ),
    "done": Sentence("the lead is done", "по лиду работа закончена"),
    "in_call": Sentence("the person is being called now", "человеку сейчас звонят"),
    "retry_pause": Sentence(
        "its next approach is not due yet", "время следующего подхода ещё не пришло"
    ),
    "approaches_spent": Sentence("all approaches are spent", "все подходы израсходованы"),
    "callback_later": Sentence(
        "a callback is agreed for later", "назначен перезвон на более позднее время"
    ),
    "callback_escalated": Sentence(
        "a callback that its operator missed waits for the supervisor",
        "пропущенный оператором перезвон ждёт супервизора",
    ),
    "owner_absent": Sentence("its operator is not signed in", "закреплённый оператор не на смене"),
    "no_phone": Sentence("the contact has no phone", "у контакта нет телефона"),
    "phone_invalid": Sentence("the number does not exist", "номер не существует"),
    "do_not_call": Sentence("the number is on do-not-call", "номер в списке запрета звонков"),
    "no_consent": Sentence("there is no consent to call", "нет согласия на звонок"),
    "zone_unknown": Sentence(
        "nobody knows the person's time zone", "неизвестен часовой пояс человека"
    ),
    "hours_closed": Sentence(
        "it is outside calling hours there", "там сейчас не время для звонков"
    ),
    "limit_in_all": Sentence("dialed as often as allowed", "исчерпан общий лимит звонков"),
    "limit_per_day": Sentence("dialed as often as allowed a day", "исчерпан дневной лимит звонков"),
    "limit_per_week": Sentence(
        "dialed as often as allowed a week", "исчерпан недельный лимит звонков"
    ),
    "limit_per_month": Sentence(
        "dialed as often as allowed a month", "исчерпан месячный лимит звонков"
    ),
    "minimum_pause": Sentence(
        "dialed too short a time ago", "с прошлого звонка прошло слишком мало времени"
    ),
    "after_abandoned": Sentence(
        "locked out after an abandoned call", "пауза после брошенного вызова"
    ),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a campaign's rules are at this moment."""

    mode: str
    profile: Profile
    schedule: Schedule
    limits: Limits
    max_approaches: int
    consent_needed: bool


@dataclass(frozen=True, slots=True)
class Dialed:
    """One earlier attempt, of any campaign of the floor."""

    phone: str
    placed_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    ended_by: EndedBy | None

    @property
    def counts(self) -> bool:
        """Whether it reached the person's line, or may still."""
        return self.outcome is None or costs_approach(self.outcome, self.ended_by)


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    e164: str
    position: int = 0
    invalid: bool = False
    forbidden: bool = False
    forbidden_until: datetime | None = None
    consent: bool = False


@dataclass(frozen=True, slots=True)
class CallbackFacts:
    """An agreed callback; `operator_id` None: anyone."""

    id: int
    at: datetime
    status: str = "waiting"
    phone: str | None = None
    operator_id: int | None = None
    grace_s: float = 600.0
    escalation: str = "anyone"


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """All that rules look at. `history` has attempts to any of the phones or to the contact."""

    id: int
    status: str = "new"
    approaches: int = 0
    next_at: datetime | None = None
    next_phone: int = 0
    owner_id: int | None = None
    contact_zone: str | None = None
    region: str | None = None
    phones: tuple[PhoneFacts, ...] = ()
    history: tuple[Dialed, ...] = ()
    callback: CallbackFacts | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A rule that keeps a lead (or one phone of it) from being dialed, until when."""

    rule: str
    until: datetime | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`phone` may be dialed, by `operator_id` or anyone, until `open_until`; or it may not, because
    of all of `blocks`. `again_at`: when to ask again (None: when something is changed)."""

    phone: PhoneFacts | None = None
    operator_id: int | None = None
    callback_id: int | None = None
    zones: tuple[str, ...] = ()
    open_until: datetime | None = None
    blocks: tuple[Block, ...] = ()
    again_at: datetime | None = None
    escalates: bool = False
    closes: str = ""
    """The rule by which the lead can never be dialed again as things stand, "" when it can."""

    @property
    def rule(self) -> str:
        """The rule that holds longest."""
        return self.blocks[0].rule if self.blocks else ""


@dataclass(frozen=True, slots=True)
class Taker:
    """Who is to be connected: one operator, or anyone (None); or nobody now, because of `block`."""

    operator_id: int | None = None
    block: Block | None = None
    escalates: bool = False


@dataclass(frozen=True, slots=True)
class Staff:
    """Operators by id: who is signed in, who works here at all."""

    signed_in: frozenset[int] = frozenset()
    employed: frozenset[int] = frozenset()


def judge(lead: LeadFacts, policy: Policy, staff: Staff, now: datetime) -> Verdict:
    """Every rule that concerns one lead, at `now`."""
    called_back = lead.callback is not None and lead.callback.at <= now
    taker = who(lead, staff, now)
    of_lead = [*_of_lead(lead, policy, now, called_back=called_back)]
    if taker.block:
        of_lead.append(taker.block)
    phones = _in_turn(lead)
    if not phones:
        of_lead.append(Block("no_phone"))
    by_phone = [
        (phone, [*_of_phone(phone, lead, policy, now, called_back=called_back)]) for phone in phones
    ]
    free = next((phone for phone, blocks in by_phone if not blocks), None)
    if free is not None and not of_lead:
        return _allowed(lead, policy, free, taker, now)
    return _refused(of_lead, [blocks for _, blocks in by_phone], taker)


def who(lead: LeadFacts, staff: Staff, now: datetime) -> Taker:
    """A callback's operator during its grace, then anyone or the supervisor; else the owner."""
    callback = lead.callback
    if callback is not None and callback.status == "escalated":
        return Taker(block=Block("callback_escalated"))
    if callback is not None and callback.at <= now:
        return _who_calls_back(callback, staff, now)
    owner = lead.owner_id
    if owner is None or owner not in staff.employed:
        return Taker()
    if owner in staff.signed_in:
        return Taker(owner)
    return Taker(block=Block("owner_absent", now + RECHECK))


def _who_calls_back(callback: CallbackFacts, staff: Staff, now: datetime) -> Taker:
    operator = callback.operator_id
    if operator is None:
        return Taker()
    ends = callback.at + timedelta(seconds=callback.grace_s)
    if operator in staff.signed_in and (now < ends or callback.escalation == "supervisor"):
        return Taker(operator)
    if now < ends and operator in staff.employed:
        return Taker(block=Block("owner_absent", min(ends, now + RECHECK)))
    if callback.escalation == "anyone":
        return Taker()
    return Taker(block=Block("callback_escalated"), escalates=True)


def _of_lead(
    lead: LeadFacts, policy: Policy, now: datetime, *, called_back: bool
) -> Iterator[Block]:
    if lead.status in ("done", "dialing"):
        yield Block("done" if lead.status == "done" else "in_call")
    if any(dialed.outcome is None for dialed in lead.history) and lead.status != "dialing":
        yield Block("in_call", now + IN_CALL_RECHECK)
    if called_back:
        return
    if lead.callback is not None and lead.callback.at > now:
        yield Block("callback_later", lead.callback.at)
    elif lead.next_at is not None and lead.next_at > now:
        yield Block("retry_pause", lead.next_at)
    if lead.approaches >= policy.max_approaches:
        yield Block("approaches_spent")


def _in_turn(lead: LeadFacts) -> list[PhoneFacts]:
    """The phones beginning with the one whose turn it is; a callback's own phone alone."""
    wanted = lead.callback.phone if lead.callback else None
    if wanted is not None:
        return [phone for phone in lead.phones if phone.e164 == wanted] or [PhoneFacts(wanted)]
    ahead = [phone for phone in lead.phones if phone.position >= lead.next_phone]
    return ahead + [phone for phone in lead.phones if phone.position < lead.next_phone]


def _of_phone(
    phone: PhoneFacts, lead: LeadFacts, policy: Policy, now: datetime, *, called_back: bool
) -> Iterator[Block]:
    e164 = phone.e164
    if phone.invalid:
        yield Block("phone_invalid", None, e164)
    if phone.forbidden:
        yield Block("do_not_call", phone.forbidden_until, e164)
    if (policy.consent_needed or policy.profile.needs_consent(policy.mode)) and not phone.consent:
        yield Block("no_consent", None, e164)
    zones = zones_of(lead.contact_zone, lead.region, e164)
    is_open, changes = policy.schedule.state(zones, now)
    if not is_open:
        yield Block("hours_closed" if zones else "zone_unknown", changes, e164)
    yield from _abandoned(lead.history, policy, now, e164)
    yield from _limited(lead.history, policy.limits, zones, now, e164, called_back=called_back)


def _abandoned(
    history: Sequence[Dialed], policy: Policy, now: datetime, e164: str
) -> Iterator[Block]:
    pause = timedelta(seconds=policy.profile.pause_after_abandoned_s(policy.mode))
    ends = [
        (dialed.ended_at or dialed.placed_at) + pause
        for dialed in history
        if dialed.outcome is Outcome.ABANDONED
    ]
    if ends and max(ends) > now:
        yield Block("after_abandoned", max(ends), e164)


def _limited(
    history: Sequence[Dialed],
    limits: Limits,
    zones: tuple[str, ...],
    now: datetime,
    e164: str,
    *,
    called_back: bool,
) -> Iterator[Block]:
    """A callback was asked for by the person: no pause is needed then; limits stay limits."""
    person = [dialed.placed_at for dialed in history if dialed.counts]
    phone = [dialed.placed_at for dialed in history if dialed.counts and dialed.phone == e164]
    for times, limit in ((person, limits.person), (phone, limits.phone)):
        for rule, until in limit.reached(times, zones, now):
            yield Block(rule, until, e164)
    pause = timedelta(seconds=0 if called_back else limits.minimum_pause_s)
    if person and max(person) + pause > now:
        yield Block("minimum_pause", max(person) + pause, e164)


def _allowed(
    lead: LeadFacts, policy: Policy, phone: PhoneFacts, taker: Taker, now: datetime
) -> Verdict:
    zones = zones_of(lead.contact_zone, lead.region, phone.e164)
    _, closes = policy.schedule.state(zones, now)
    due = lead.callback if lead.callback is not None and lead.callback.at <= now else None
    return Verdict(
        phone=phone,
        operator_id=taker.operator_id,
        callback_id=due.id if due else None,
        zones=zones,
        open_until=closes or now + timedelta(days=1),
    )


def _refused(of_lead: list[Block], by_phone: list[list[Block]], taker: Taker) -> Verdict:
    """Again when the last block of the lead and of the first phone to be free has ended."""
    phones = [end for end in (_end(blocks) for blocks in by_phone if blocks) if end]
    free = any(not blocks for blocks in by_phone)
    own = _end(of_lead)
    again = None
    if (not of_lead or own) and (free or phones):
        ends = ([own] if own else []) + ([] if free else [min(phones)])
        again = max(ends)
    blocks = [*of_lead, *(block for each in by_phone for block in each)]
    blocks.sort(key=lambda b: (b.until is not None, -(b.until.timestamp() if b.until else 0)))
    return Verdict(
        blocks=tuple(blocks), again_at=again, escalates=taker.escalates, closes=_closes(by_phone)
    )


def _closes(by_phone: list[list[Block]]) -> str:
    """Every phone has a block for good, whatever else holds for now."""
    if not by_phone:
        return "no_phone"
    found = [
        [block.rule for block in blocks if block.rule in FOR_GOOD and block.until is None]
        for blocks in by_phone
    ]
    if not all(found):
        return ""
    rules = [rule for each in found for rule in each]
    return "do_not_call" if "do_not_call" in rules else rules[0]


def _end(blocks: Sequence[Block]) -> datetime | None:
    """When all have ended; None: never, or there is none."""
    ends = [block.until for block in blocks]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None
