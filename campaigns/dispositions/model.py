"""PURE. A campaign's dispositions and form fields, and the answers that a form takes.

Every campaign has a set of its own, a copy of the standard one unless it says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.campaign.kinds import (
    Choice,
    Day,
    Key,
    Many,
    Maybe,
    Number,
    Table,
    Text,
    Value,
    Wrong,
)
from campaigns.campaign.structures import distinct, records
from campaigns.refusals import Refusal, Sentence, joined

FLAGS = (
    "productive",
    "target",
    "refusal",
    "callback",
    "do_not_call",
    "hand_over",
    "decision_maker",
    "machine",
)
MOST_DISPOSITIONS = 50
MOST_FIELDS = 50
ANSWER_CHARS = 1000
LARGEST_NUMBER = 1e12

CODE = Text(
    32,
    r"[a-z][a-z0-9_]{0,31}",
    Sentence("a code: a-z, 0-9 and _, a letter first", "код: a-z, 0-9 и _, сначала буква"),
)
HOT_KEY = Text(1, r"[0-9A-Za-z]", Sentence("one letter or digit", "одна буква или цифра"))

DISPOSITION: Mapping[str, tuple[Any, Value]] = {
    "code": (CODE, ...),
    "title_ru": (Text(100), ...),
    "title_en": (Text(100), ...),
    "flags": (Many(Choice(FLAGS)), []),
    "hot_key": (Maybe(HOT_KEY), None),
    "requires": (Many(CODE), []),
}
FIELD: Mapping[str, tuple[Any, Value]] = {
    "code": (CODE, ...),
    "kind": (Choice(("text", "number", "choice", "date")), ...),
    "title_ru": (Text(100), ...),
    "title_en": (Text(100), ...),
    "choices": (Many(Text(100)), []),
}


def _disposition(
    code: str, title_ru: str, title_en: str, flags: Sequence[str], hot_key: str
) -> dict[str, Value]:
    return {
        "code": code,
        "title_ru": title_ru,
        "title_en": title_en,
        "flags": list(flags),
        "hot_key": hot_key,
        "requires": [],
    }


STANDARD: list[dict[str, Value]] = [
    _disposition(
        "agreed", "Договорились", "Agreed", ("productive", "target", "decision_maker"), "1"
    ),
    _disposition("interested", "Интерес есть", "Interested", ("productive",), "2"),
    _disposition("refused", "Отказ", "Refused", ("productive", "refusal"), "3"),
    _disposition("call_back", "Перезвонить", "Call back", ("callback",), "4"),
    _disposition("machine", "Автоответчик", "Answering machine", ("machine",), "5"),
    _disposition("wrong_number", "Не тот номер", "Wrong number", (), "6"),
    _disposition("no_talk", "Разговора не было", "No conversation", (), "7"),
    _disposition(
        "do_not_call", "Больше не звонить", "Do not call", ("refusal", "do_not_call"), "0"
    ),
]


def read_dispositions(value: Value) -> Value:
    """A set of dispositions in its kept form. Raises Wrong."""
    found = records(value, DISPOSITION, MOST_DISPOSITIONS)
    if not found:
        raise Wrong("give at least one disposition", "нужен хотя бы один результат")
    distinct(found, "code")
    distinct(found, "hot_key")
    return found


def read_form(value: Value) -> Value:
    """Form fields in their kept form. Raises Wrong."""
    found = records(value, FIELD, MOST_FIELDS)
    distinct(found, "code")
    for index, field in enumerate(found):
        if (field["kind"] == "choice") != bool(field["choices"]):
            raise Wrong(
                "a field of the kind choice has choices, others have none",
                "варианты (choices) бывают только у поля вида choice, и там они нужны",
                (index, "choices"),
            )
    return found


KEYS = (
    Key(
        "form",
        Table(
            read_form,
            Sentence(
                "tables with code, kind (text, number, choice, date), title_ru, title_en, choices",
                "таблицы: code, kind (text, number, choice, date), title_ru, title_en, choices",
            ),
        ),
        [],
        Sentence("fields that operators fill in", "поля, которые заполняет оператор"),
        "form",
    ),
    Key(
        "dispositions",
        Table(
            read_dispositions,
            Sentence(
                f"tables with code, title_ru, title_en, flags ({', '.join(FLAGS)}), hot_key, "
                "requires (codes of form fields)",
                f"таблицы: code, title_ru, title_en, flags ({', '.join(FLAGS)}), hot_key, "
                "requires (коды полей формы)",
            ),
        ),
        STANDARD,
        Sentence("what may come of a conversation", "чем может кончиться разговор"),
    ),
)


def required_are_fields(whole: Mapping[str, Value]) -> Iterator[tuple[str, Wrong]]:
    """What a disposition requires must be in the form: (key, what is wrong)."""
    fields = {field["code"] for field in whole["form"]}
    for index, disposition in enumerate(whole["dispositions"]):
        for code in disposition["requires"]:
            if code not in fields:
                yield (
                    "dispositions",
                    Wrong(
                        f"requires the field {code}, which the form does not have",
                        f"требует поле {code}, которого нет в форме",
                        (index, "requires"),
                    ),
                )


# --- answers


@dataclass(frozen=True, slots=True)
class Disposal:
    """What an operator says came of a conversation; `callback_at` is a moment (aware)."""

    code: str
    note: str = ""
    answers: Mapping[str, Value] | None = None
    callback_at: datetime | None = None
    callback_same_operator: bool = True


def read_answers(
    form: Sequence[Mapping[str, Value]], requires: Sequence[str], answers: Mapping[str, Value]
) -> dict[str, Value]:
    """Answers in the order of the form, in the kept form: text, number, or ISO date.

    Empty answers are left out. Raises Refusal `bad_answers` that names every field.
    """
    fields = {field["code"]: field for field in form}
    problems = [
        Sentence(f"there is no field {code!r}", f"нет поля {code!r}")
        for code in answers
        if code not in fields
    ]
    found: dict[str, Value] = {}
    for code, field in fields.items():
        given = answers.get(code)
        if given is None or given == "":
            if code in requires:
                problems.append(
                    Sentence(
                        f"{code} ({field['title_en']}) is required for this disposition",
                        f"{code} («{field['title_ru']}») обязательно для этого результата",
                    )
                )
            continue
        try:
            found[code] = _answer(field, given)
        except Wrong as wrong:
            told = wrong.sentence
            problems.append(Sentence(f"{code}: {told.en}", f"{code}: {told.ru}"))
    if problems:
        told = joined(problems)
        raise Refusal("bad_answers", told.en, told.ru, status=422)
    return found


def _answer(field: Mapping[str, Value], given: Value) -> Value:
    match field["kind"]:
        case "number":
            kind = Number(-LARGEST_NUMBER, LARGEST_NUMBER)
            return kind.parse(given) if isinstance(given, str) else kind.read(given)
        case "date":
            return Day().read(given)
        case "choice":
            return Choice(tuple(field["choices"])).read(given)
    if not isinstance(given, str) or len(given) > ANSWER_CHARS or "\x00" in given:
        raise Wrong(
            f"give text of at most {ANSWER_CHARS} characters",
            f"нужен текст не длиннее {ANSWER_CHARS} символов",
        )
    return given.strip()


LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")


def callback_time(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """`2026-12-01 15:00` in the zone, or with an offset, as a moment after `now`.

    Raises Refusal `bad_callback_time`.
    """
    at = _moment(text.strip(), zone)
    if at is None or at <= now or (at - now).days > 366:
        raise Refusal(
            "bad_callback_time",
            f"{text!r} is no time within a year from now, such as 2026-12-01 15:00",
            f"{text!r}: нужно время в пределах года, например 2026-12-01 15:00",
            status=422,
        )
    return at


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is not None:
        return at
    return at.replace(tzinfo=zone) if LOCAL.fullmatch(text) else None
