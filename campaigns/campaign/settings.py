"""PURE. Every setting of a campaign that people may edit, in one list.

Creating, editing, files, export, versions and the reference page all read `KEYS`. To add a setting:

1. a migration with its column of `campaign` (a default for campaigns that exist; `jsonb` for what
   has a structure),
2. a `Key` here, or in a tuple `KEYS` of your feature's model that is added to `KEYS` below,
3. its column in the query `write_settings`.

A rule that concerns several keys is a function in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from campaigns.approval import model as approval
from campaigns.broadcast import model as broadcast
from campaigns.campaign.kinds import (
    Choice,
    Day,
    Flag,
    Key,
    LocalTime,
    Many,
    Maybe,
    Number,
    Text,
    Value,
    Wrong,
)
from campaigns.campaign.model import AT_LIMIT, LANGUAGES, WAITING_SOUNDS, CampaignError
from campaigns.campaign.modes import MODES
from campaigns.dispositions import model as dispositions
from campaigns.message import model as message
from campaigns.pacing import keys as pacing
from campaigns.refusals import Sentence, joined
from campaigns.rules import keys as rules
from campaigns.scripts import model as scripts

CALLER_ID = Text(
    16,
    r"\+?[0-9]{3,15}",
    Sentence("3 to 15 digits, with or without a plus", "от 3 до 15 цифр, можно с плюсом"),
)

DIALING = (
    Key(
        "trunks",
        Many(Text(32), 100),
        [],
        Sentence(
            "trunks to dial over, by their names; none: any",
            "транки, через которые идут звонки; если не указаны, любые",
        ),
    ),
    Key(
        "lists",
        Many(Text(200), 1000),
        [],
        Sentence("lists to dial, by their names", "базы для обзвона, по названиям"),
    ),
    Key(
        "mode",
        Choice(MODES),
        "progressive",
        Sentence("who decides the dial, and how many", "кто и сколько набирает"),
        "mode",
    ),
    Key(
        "language",
        Choice(LANGUAGES),
        "ru",
        Sentence("language of the prompts", "язык сообщений"),
        "language",
    ),
    Key(
        "caller_id",
        Maybe(CALLER_ID),
        None,
        Sentence("the number that people see", "номер, который видят люди"),
        "caller_id",
    ),
    Key(
        "further_caller_ids",
        Many(CALLER_ID),
        [],
        Sentence("numbers shown in turn with caller_id", "номера, которые чередуются с caller_id"),
        "further_caller_ids",
    ),
    Key(
        "ring_timeout_s",
        Number(5, 120, "s"),
        25.0,
        Sentence("how long it rings at most", "сколько ждать ответа"),
        "ring_timeout_s",
    ),
    Key(
        "post_dial_delay_s",
        Number(1, 30, "s"),
        10.0,
        Sentence("how long until a good trunk rings", "за сколько исправный транк даёт гудок"),
        "post_dial_delay_s",
    ),
    Key(
        "wrap_up_limit_s",
        Number(1, 3600, "s"),
        60.0,
        Sentence(
            "how long an operator has after a conversation",
            "время оператора на запись результата",
        ),
        "wrap_up_limit_s",
    ),
    Key(
        "waiting_sound",
        Maybe(Choice(WAITING_SOUNDS)),
        None,
        Sentence(
            "what a person hears until an operator is free; none: as the floor's settings say",
            "что слышит человек, пока нет свободного оператора; не задано: как у площадки",
        ),
        "waiting_sound",
    ),
    Key(
        "preview_limit_s",
        Number(5, 3600, "s"),
        60.0,
        Sentence(
            "in preview: how long a card may be read", "в preview: сколько можно читать карточку"
        ),
        "preview_limit_s",
    ),
    Key(
        "preview_at_limit",
        Choice(AT_LIMIT),
        "skip",
        Sentence("in preview: what happens then", "в preview: что происходит потом"),
        "preview_at_limit",
    ),
    Key(
        "recording",
        Flag(),
        False,
        Sentence("conversations are recorded", "записывать разговоры"),
        "recording",
    ),
    Key(
        "max_approaches",
        Number(1, 100, "", whole=True),
        4,
        Sentence("dials of one lead at most", "сколько раз набирать один контакт"),
        "max_approaches",
    ),
)

SCHEDULE = (
    Key(
        "schedule.start",
        Maybe(LocalTime()),
        None,
        Sentence("starts by itself then, once approved", "когда начать, если одобрена"),
        "schedule_start",
    ),
    Key(
        "schedule.stop",
        Maybe(LocalTime()),
        None,
        Sentence("pauses by itself then", "когда встать на паузу"),
        "schedule_stop",
    ),
)

GOALS = (
    Key(
        "goals.date",
        Maybe(Day()),
        None,
        Sentence("finished when this day is over", "завершить, когда этот день закончится"),
        "goal_date",
    ),
    Key(
        "goals.conversations",
        Maybe(Number(1, 10_000_000, "", whole=True)),
        None,
        Sentence("finished after so many conversations", "завершить после стольких разговоров"),
        "goal_conversations",
    ),
    Key(
        "goals.decision_makers",
        Maybe(Number(1, 10_000_000, "", whole=True)),
        None,
        Sentence(
            "finished after so many conversations with who decides",
            "завершить после стольких разговоров с ЛПР",
        ),
        "goal_decision_makers",
    ),
    Key(
        "goals.list_end",
        Flag(),
        True,
        Sentence("finished when nothing is left to dial", "завершить, когда набирать некого"),
        "goal_list_end",
    ),
)

KEYS: tuple[Key, ...] = (
    *DIALING,
    *SCHEDULE,
    *GOALS,
    *pacing.KEYS,
    *rules.KEYS,
    *approval.KEYS,
    *dispositions.KEYS,
    *scripts.KEYS,
    *broadcast.KEYS,
    *message.KEYS,
)
BY_NAME: Mapping[str, Key] = {key.name: key for key in KEYS}
COLUMNS: Mapping[str, Key] = {key.column: key for key in KEYS if key.column}


def described(language: str) -> list[dict[str, Any]]:
    """Every key with its default, and what it takes and is for in this language."""
    return [
        {
            "key": key.name,
            "values": key.kind.doc.to(language),
            "default": key.default,
            "doc": key.doc.to(language),
        }
        for key in KEYS
    ]


class Problem(CampaignError):
    """A key that is unknown, or whose value is wrong. `key` and `path` say which."""

    def __init__(self, key: str, sentence: Sentence, path: tuple[str | int, ...] = ()) -> None:
        super().__init__("bad_value", f"{key}: {sentence.en}", f"{key}: {sentence.to('ru')}")
        self.key, self.path, self.bare = key, path, sentence


def read(values: Mapping[str, Value]) -> dict[str, Value]:
    """`values` by key names as a file gives them -> in the kept form.

    Raises CampaignError `bad_value` (its `problems` are all that was wrong), `unknown_key`.
    """
    return _each(values, lambda key, value: key.kind.read(value))


def parse(texts: Mapping[str, str]) -> dict[str, Value]:
    """The same for `key=value` of a command line."""
    return _each(texts, lambda key, text: key.kind.parse(text))


def complete(values: Mapping[str, Value]) -> dict[str, Value]:
    """All keys, in order: `values` in the kept form over the defaults. Raises as `read` does."""
    whole = {key.name: values.get(key.name, key.default) for key in KEYS}
    check(whole)
    return whole


def check(whole: Mapping[str, Value]) -> None:
    """The rules among keys. Raises CampaignError `bad_value`."""
    _refuse([problem for rule in RULES for problem in rule(whole)])


def changes(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, list[Value]]:
    """key -> [old, new] for what differs, in the order of `KEYS`."""
    return {
        key.name: [old.get(key.name), new[key.name]]
        for key in KEYS
        if key.name in new and old.get(key.name) != new[key.name]
    }


def columns(whole: Mapping[str, Value]) -> dict[str, Value]:
    """What the table `campaign` holds of `whole`, by column."""
    return {column: whole[key.name] for column, key in COLUMNS.items() if key.name in whole}


def from_row(row: Mapping[str, Any]) -> dict[str, Value]:
    """The settings in a row of `campaign` (as `to_jsonb` gives it), in the kept form."""
    return {key.name: key.kind.read(row[column]) for column, key in COLUMNS.items()}


def _each(values: Mapping[str, Any], take: Callable[[Key, Any], Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        key = BY_NAME.get(name)
        if key is None:
            problems.append(_unknown(name))
            continue
        try:
            found[name] = take(key, value)
        except Wrong as wrong:
            problems.append(Problem(name, wrong.sentence, wrong.path))
    _refuse(problems)
    return found


def _unknown(name: str) -> Problem:
    last = name.rpartition(".")[2]
    near = next((key for key in BY_NAME if key.rpartition(".")[2] == last), "")
    told = Sentence("see prozvon campaign keys", "см. prozvon campaign keys")
    if near:
        told = Sentence(f"do you mean {near}?", f"может быть, {near}?")
    problem = Problem(name, Sentence(f"no such key; {told.en}", f"нет такого ключа; {told.ru}"))
    problem.id = "unknown_key"
    return problem


class BadSettings(CampaignError):
    """Everything that is wrong with settings that were given, in `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        told = joined(problem.sentence for problem in problems)
        super().__init__(problems[0].id, told.en, told.ru, status=422)
        self.problems = problems


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadSettings(problems)


def _caller_ids_in_order(whole: Mapping[str, Value]) -> Iterator[Problem]:
    if whole["further_caller_ids"] and not whole["caller_id"]:
        yield Problem(
            "further_caller_ids",
            Sentence("they come after caller_id, which is not set", "сначала задайте caller_id"),
        )


def _schedule_in_order(whole: Mapping[str, Value]) -> Iterator[Problem]:
    start, stop = whole["schedule.start"], whole["schedule.stop"]
    if start and stop and stop <= start:
        yield Problem(
            "schedule.stop",
            Sentence("must be after schedule.start", "должно быть позже schedule.start"),
        )


def _told(
    rule: Callable[[Mapping[str, Value]], Iterator[tuple[str, Wrong]]],
) -> Callable[[Mapping[str, Value]], Iterator[Problem]]:
    """A rule of a feature's model: it knows keys, not problems."""
    return lambda whole: (Problem(key, w.sentence, w.path) for key, w in rule(whole))


RULES: tuple[Callable[[Mapping[str, Value]], Iterator[Problem]], ...] = (
    _caller_ids_in_order,
    _schedule_in_order,
    _told(dispositions.required_are_fields),
    _told(scripts.answers_end),
    _told(broadcast.complete),
    _told(rules.weights_of_lists),
)
