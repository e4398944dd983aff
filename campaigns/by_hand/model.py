"""PURE. Dialing by hand: which numbers may be typed, what a card shows, why a dial is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Sentence
from campaigns.rules.model import RULES, LeadFacts, Verdict
from dialer.refusal import Refusal

REASON_LETTERS = 200

AtLimit = Literal["dial", "skip", "pause"]


class ByHandError(Refusal):
    """A dial by hand, or something done to a card, that cannot be done now."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Where operators may dial numbers they type: beginnings of E.164 numbers, such as `+7` or `7`.

    Nothing allowed means everything. The longest beginning that fits decides; a tie forbids.
    """

    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()

    def permit(self, e164: str) -> bool:
        allowed = 0 if not self.allowed else _longest(self.allowed, e164)
        return allowed > _longest(self.forbidden, e164)


def _longest(prefixes: Sequence[str], e164: str) -> int:
    """Digits of the longest prefix that fits, -1 for none."""
    digits = e164.removeprefix("+")
    fit = (prefix.removeprefix("+") for prefix in prefixes)
    return max((len(prefix) for prefix in fit if digits.startswith(prefix)), default=-1)


def number_to_dial(text: str, region: str, prefixes: Prefixes) -> str:
    """What an operator typed as E.164. Raises ByHandError `bad_number`, `forbidden_number`."""
    phone = parse_phone(text, region)
    if isinstance(phone, BadPhone):
        raise ByHandError(
            "bad_number",
            422,
            f"this number is not dialed: {phone.sentence.en}",
            f"этот номер не набирается: {phone.sentence.ru}",
        )
    if not prefixes.permit(phone.e164):
        raise ByHandError(
            "forbidden_number",
            403,
            "numbers that begin like this one may not be dialed by hand; the settings "
            "dialing.allowed_prefixes and dialing.forbidden_prefixes say which may",
            "номера с таким началом вручную не набирают; какие можно, говорят настройки "
            "dialing.allowed_prefixes и dialing.forbidden_prefixes",
        )
    return phone.e164


def masked(e164: str) -> str:
    """`+79031234567` as `+7903•••••67`: enough to recognise, not enough to take along."""
    head, tail = e164[:-7], e164[-2:]
    return f"{head[:5]}{'•' * (len(e164) - len(head[:5]) - 2)}{tail}"


@dataclass(frozen=True, slots=True)
class LeadLook:
    """A lead as it is before an operator dials it; `phone`: the one that was typed."""

    id: int
    status: str
    approaches: int
    failures: int
    max_approaches: int
    claimed: bool
    phone: str | None = None


def why_not(look: LeadLook, *, typed: bool) -> ByHandError | None:
    """Why this lead cannot be dialed by hand. A number that was typed may be of a lead that is
    done: whoever types it wants to call again; the limit of approaches holds for it too."""
    if look.claimed or look.status == "dialing":
        return _busy()
    if look.approaches >= look.max_approaches:
        return ByHandError(
            "no_approaches_left",
            409,
            f"this lead has had all of its {look.max_approaches} approaches; "
            "no more dials of it are allowed in this campaign",
            f"по этому лиду сделаны все подходы ({look.max_approaches}); больше в этой кампании "
            "нельзя",
        )
    if look.status == "done" and not typed:
        return ByHandError(
            "lead_done",
            409,
            "this lead is done; its card has no dial any more",
            "работа по этому лиду закончена; набрать его с карточки нельзя",
        )
    return None


def asked_by_hand(lead: LeadFacts, phone: str | None, now: datetime) -> LeadFacts:
    """The lead as rules see it when an operator wants to dial it now, over `phone` (None: any).

    When is the operator's choice, and so is who: pauses between approaches, owners and callbacks
    for later keep nobody from it. All that protects the person holds.
    """
    callback = lead.callback
    if callback is not None and (callback.status != "waiting" or callback.at > now):
        callback = None
    if callback is not None and phone is not None and callback.phone not in (None, phone):
        callback = None
    return replace(
        lead,
        status="retry" if lead.status == "done" else lead.status,
        next_at=None,
        owner_id=None,
        phones=tuple(p for p in lead.phones if phone is None or p.e164 == phone),
        callback=replace(callback, operator_id=None) if callback else None,
    )


def ruled_out(verdict: Verdict) -> ByHandError:
    """The rule that holds longest, for the operator."""
    block = verdict.blocks[0]
    if block.rule == "in_call":
        return _busy()
    until = f", until {block.until:%Y-%m-%d %H:%M} UTC" if block.until else ""
    told = RULES.get(block.rule, Sentence(block.rule, block.rule))
    status = 403 if block.rule in ("do_not_call", "no_consent") else 409
    ru_until = until.replace(", until", ", до")
    return ByHandError(
        block.rule,
        status,
        f"this lead is not dialed now: {told.en}{until}",
        f"сейчас этот лид не набирается: {told.ru}{ru_until}",
    )


def _busy() -> ByHandError:
    return ByHandError(
        "lead_busy",
        409,
        "somebody calls this number now, or is about to; try later",
        "этому человеку сейчас звонят или вот-вот позвонят; попробуйте позже",
    )


def why_refused(why: Mapping[str, Any]) -> ByHandError:
    """What changed between the checks and the commit, for the operator."""
    if "database" in why:
        return ByHandError(
            "database_away",
            503,
            "the database does not answer; try again",
            "база данных не отвечает; повторите",
        )
    if why.get("do_not_call"):
        return ByHandError(
            "do_not_call",
            403,
            "this number is on the do-not-call list",
            "номер в списке запрета звонков",
        )
    if why.get("campaign_status", "running") != "running":
        return ByHandError(
            "campaign_not_running",
            409,
            "the campaign was stopped meanwhile",
            "кампанию тем временем остановили",
        )
    return ByHandError(
        "lead_busy",
        409,
        "somebody else has just taken this lead, or its calling hours have ended",
        "этот лид только что взял другой, либо время звонков ему закончилось",
    )


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One earlier dial of the lead, newest first on a card."""

    placed_at: datetime
    outcome: str | None
    ended_by: str | None
    operator: str | None
    talk_s: float | None
    disposition: str | None
    note: str


@dataclass(frozen=True, slots=True)
class PastSkip:
    """Somebody read the card and did not dial."""

    at: datetime
    operator: str
    reason: str


@dataclass(frozen=True, slots=True)
class CardView:
    """What an operator reads before the dial; `phone` is masked unless it was asked for in clear.

    `left_s` until the campaign's limit, where `at_limit` happens.
    """

    login: str
    campaign: str
    lead_id: int
    name: str
    company: str
    attributes: Mapping[str, Any]
    time_zone: str | None
    phone: str
    approaches: int
    max_approaches: int
    left_s: float
    at_limit: str
    history: tuple[PastAttempt, ...]
    skips: tuple[PastSkip, ...]


def clean_reason(text: str) -> str:
    """A reason as it is kept. Raises ByHandError `bad_reason`."""
    reason = " ".join(text.split())
    if not reason or len(reason) > REASON_LETTERS or not reason.isprintable():
        raise ByHandError(
            "bad_reason",
            422,
            f"say in 1 to {REASON_LETTERS} letters why the lead is skipped",
            f"напишите, почему лид пропущен: от 1 до {REASON_LETTERS} символов",
        )
    return reason
