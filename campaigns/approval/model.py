"""PURE. Moratoria: projects that are not taken in, unless a manager lifts one, with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaigns.campaign.kinds import Choice, Key, Many, Maybe, Value
from campaigns.campaign.model import CampaignError
from campaigns.refusals import Sentence, joined

ORDINARY_CLIENTS = ("own", "company")
BANNED_CLIENTS: Mapping[str, Sentence] = {
    "forex": Sentence("a forex-like broker", "форекс-брокер или похожий"),
    "b2c_spam": Sentence("spam to private people", "спам частным лицам"),
    "mlm": Sentence("multi-level marketing", "сетевой маркетинг"),
    "dubious_coach": Sentence("a dubious business coach", "сомнительный бизнес-тренер"),
    "water_meters": Sentence("a “water meter” company", "компания «проверка счётчиков воды»"),
}
ORDINARY_PAYMENTS = ("in_house", "traffic", "conversation", "decision_maker")
BANNED_PAYMENTS: Mapping[str, Sentence] = {
    "meeting": Sentence("payment per meeting", "оплата за встречу"),
    "lead": Sentence("payment per lead", "оплата за лид"),
    "percentage": Sentence("payment by percentage only", "оплата только процентом"),
    "barter": Sentence("barter", "бартер"),
}
BANNED_PROMISES: Mapping[str, Sentence] = {
    "unavailable_service": Sentence("a service that is not available", "недоступная услуга"),
    "impossible_date": Sentence("an impossible date", "невозможный срок"),
    "unapproved_discount": Sentence("a discount nobody approved", "несогласованная скидка"),
}
MORATORIA: Mapping[str, Sentence] = {**BANNED_CLIENTS, **BANNED_PAYMENTS, **BANNED_PROMISES}

REASON_CHARS = 500

KEYS = (
    Key(
        "brief.client",
        Maybe(Choice((*ORDINARY_CLIENTS, *BANNED_CLIENTS))),
        None,
        Sentence(
            "whom the calls are made for; needed for approval",
            "для кого звонки; нужно для одобрения",
        ),
        "brief_client",
        frozen=True,
    ),
    Key(
        "brief.payment",
        Maybe(Choice((*ORDINARY_PAYMENTS, *BANNED_PAYMENTS))),
        None,
        Sentence(
            "what the client pays for; needed for approval",
            "за что платит клиент; нужно для одобрения",
        ),
        "brief_payment",
        frozen=True,
    ),
    Key(
        "brief.promises",
        Many(Choice(tuple(BANNED_PROMISES))),
        [],
        Sentence("banned promises that the script makes", "запрещённые обещания в скрипте"),
        "brief_promises",
        frozen=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """A moratorium that a manager lifted for one campaign. `by` is a person's name."""

    moratorium: str
    by: str
    reason: str


def broken(settings: Mapping[str, Value]) -> list[str]:
    """The moratoria that a campaign with these settings breaks, in the order of the list."""
    said = (settings["brief.client"], settings["brief.payment"], *settings["brief.promises"])
    return [name for name in MORATORIA if name in said]


def check(name: str, settings: Mapping[str, Value], exemptions: Iterable[Exemption]) -> None:
    """Raises CampaignError `brief_incomplete`, `bad_exception`, `moratorium`."""
    missing = [key for key in ("brief.client", "brief.payment") if settings[key] is None]
    if missing:
        raise _incomplete(name, missing)
    lifted = {exemption.moratorium: exemption for exemption in exemptions}
    for exemption in lifted.values():
        _check_exemption(exemption)
    standing = [moratorium for moratorium in broken(settings) if moratorium not in lifted]
    if standing:
        raise _moratorium(name, standing)


def _check_exemption(exemption: Exemption) -> None:
    if exemption.moratorium not in MORATORIA:
        known = ", ".join(MORATORIA)
        raise CampaignError(
            "bad_exception",
            f"there is no moratorium {exemption.moratorium!r}; one of: {known}",
            f"нет моратория {exemption.moratorium!r}; есть: {known}",
            status=422,
        )
    for text, chars in ((exemption.by, 200), (exemption.reason, REASON_CHARS)):
        if not text.strip() or len(text) > chars or not text.isprintable():
            raise CampaignError(
                "bad_exception",
                f"an exception from {exemption.moratorium} needs the name of the manager who "
                "grants it and a reason, one line each",
                f"исключению из моратория {exemption.moratorium} нужны имя менеджера, который его "
                "даёт, и причина, по одной строке",
                status=422,
            )


def _incomplete(name: str, missing: list[str]) -> CampaignError:
    keys = " and ".join(missing), " и ".join(missing)
    return CampaignError(
        "brief_incomplete",
        f"the campaign {name!r} cannot be approved before its brief says {keys[0]}; set them: "
        f"prozvon campaign edit {name} {missing[0]}=...",
        f"кампанию {name!r} нельзя одобрить, пока в брифе не указано {keys[1]}; задайте: "
        f"prozvon campaign edit {name} {missing[0]}=...",
    )


def _moratorium(name: str, standing: list[str]) -> CampaignError:
    told = joined(
        (Sentence(f"{n} ({MORATORIA[n].en})", f"{n} ({MORATORIA[n].ru})") for n in standing), ", "
    )
    return CampaignError(
        "moratorium",
        f"the campaign {name!r} is under a moratorium: {told.en}; a manager may lift it: "
        f"--exception {standing[0]} --by NAME --reason WHY",
        f"кампания {name!r} под мораторием: {told.ru}; исключение даёт менеджер: --exception "
        f"{standing[0]} --by ИМЯ --reason ПРИЧИНА",
    )
