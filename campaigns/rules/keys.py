"""PURE. What a campaign's settings say of its rules: profile, hours, limits, retries, order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from campaigns.campaign.kinds import Choice, Flag, Key, Table, Value, Wrong
from campaigns.hours.calendar import WEEKDAYS
from campaigns.hours.model import week
from campaigns.leads.retry import read as read_retry
from campaigns.legal.model import DAY_KINDS
from campaigns.refusals import Refusal, Sentence
from campaigns.rules.limits import KEYS as LIMITS
from campaigns.rules.limits import read as read_limits

PROFILES = ("us", "uk", "ru_advertising", "ru_debt", "own")
ORDERS = ("waiting", "oldest", "newest", "least_attempts", "random", "best_hour")
LEAST_WEIGHT, MOST_WEIGHT = 0.001, 1000


def _kept(reader: Callable[[Any], Any]) -> Callable[[Value], Value]:
    """A reader of a feature: what it refuses is a wrong value here."""

    def read(value: Value) -> Value:
        try:
            return reader(value)
        except Refusal as refusal:
            raise Wrong(refusal.sentence.en, refusal.sentence.ru) from None

    return read


def _hours(value: Any) -> Value:
    week(value)
    return {day: [list(pair) for pair in windows] for day, windows in value.items()}


def _weights(value: Any) -> Value:
    if not isinstance(value, Mapping):
        raise Wrong("give weights by list", "нужны веса по базам")
    for name, weight in value.items():
        fine = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not fine or not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
            raise Wrong(
                f"give a weight from {LEAST_WEIGHT} to {MOST_WEIGHT}",
                f"нужен вес от {LEAST_WEIGHT} до {MOST_WEIGHT}",
                (str(name),),
            )
    return dict(value)


KEYS = (
    Key(
        "legal_profile",
        Choice(PROFILES),
        "own",
        Sentence("the law that the calls are under", "по какому закону идут звонки"),
        "legal_profile",
    ),
    Key(
        "hours",
        Table(
            _kept(_hours),
            Sentence(
                f"table of [begin, end] pairs by {', '.join((*WEEKDAYS, *DAY_KINDS))}",
                f"таблица пар [начало, конец] по {', '.join((*WEEKDAYS, *DAY_KINDS))}",
            ),
        ),
        {},
        Sentence(
            "when people are called, in their own local time, within the profile's hours",
            "когда звонить, по местному времени человека, в пределах часов профиля",
        ),
        "hours",
    ),
    Key(
        "limits",
        Table(
            _kept(read_limits),
            Sentence(f"table of {', '.join(LIMITS)}", f"таблица: {', '.join(LIMITS)}"),
        ),
        {},
        Sentence("attempts to one person at most", "сколько раз звонить одному человеку"),
        "limits",
    ),
    Key(
        "retry",
        Table(
            _kept(read_retry),
            Sentence(
                "table by outcome, and `dispositions` by code: pause_s, day_part, other_phone, max",
                "таблица по исходам и `dispositions` по кодам: pause_s, day_part, other_phone, max",
            ),
        ),
        {},
        Sentence("when and how it is tried again", "когда и как пробовать снова"),
        "retry",
    ),
    Key(
        "consent_needed",
        Flag(),
        False,
        Sentence("only who agreed is called", "звонить только тем, кто дал согласие"),
        "consent_needed",
    ),
    Key(
        "order",
        Choice(ORDERS),
        "waiting",
        Sentence("who comes first among equals", "кто первый среди равных"),
        "lead_order",
    ),
    Key(
        "list_weights",
        Table(_weights, Sentence("table of weights by list", "таблица весов по базам")),
        {},
        Sentence("how lists are mixed", "как смешиваются базы"),
        "list_weights",
    ),
)


def weights_of_lists(whole: Mapping[str, Value]) -> Iterator[tuple[str, Wrong]]:
    """A weight of a list that the campaign does not dial is a typing error."""
    for name in whole["list_weights"]:
        if name not in whole["lists"]:
            told = f"{name} is not in lists", f"базы {name} нет в lists"
            yield "list_weights", Wrong(*told, (name,))
