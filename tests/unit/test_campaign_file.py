"""A campaign as a file: there and back, and errors that name the place."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import settings as registry
from campaigns.campaign_file.model import FileError, Format, read, write
from campaigns.dispositions.model import STANDARD
from campaigns.moments import meant
from campaigns.scripts.model import fill

SPRING = '''\
name = "spring"
trunks = ["provider"]
lists = ["march", "april"]
mode = "predictive"
caller_id = "+74951234567"
ring_timeout_s = 30.0

[schedule]
start = 2026-12-01 09:00:00

[goals]
conversations = 500

[[form]]
code = "budget"
kind = "number"
title_ru = "Бюджет"
title_en = "Budget"

[[dispositions]]
code = "agreed"
title_ru = "Договорились"
title_en = "Agreed"
flags = ["productive", "target"]
hot_key = "1"
requires = ["budget"]

[[dispositions]]
code = "refused"
title_ru = "Отказ"
title_en = "Refused"

[[script.steps]]
code = "hello"
text = """
Здравствуйте, {contact.name|уважаемый клиент}!
Это {operator.name}, по поводу {attribute.Товар}."""

[[script.steps.answers]]
text = "Да"
to = "offer"

[[script.steps.answers]]
text = "Нет"
disposition = "refused"

[[script.steps]]
code = "offer"
text = "Предложение"
'''


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_file_is_read_into_settings() -> None:
    file = read(SPRING, "toml", "spring.toml")
    assert file.name == "spring"
    whole = registry.complete(file.settings)
    assert whole["goals.conversations"] == 500
    assert whole["schedule.start"] == "2026-12-01T09:00:00"
    assert [d["code"] for d in whole["dispositions"]] == ["agreed", "refused"]
    assert whole["script"]["steps"][0]["text"].startswith("Здравствуйте")


@pytest.mark.parametrize("kind", ["toml", "yaml"])
def test_there_and_back_is_the_same_file(kind: Format) -> None:
    whole = registry.complete(read(SPRING, "toml", "x").settings)
    text = write("spring", whole, kind)
    again = read(text, kind, "y")
    assert registry.complete(again.settings) == whole
    assert write(again.name, registry.complete(again.settings), kind) == text


def test_what_is_standard_is_left_out() -> None:
    whole = registry.complete({"lists": ["a"], "trunks": ["b"]})
    assert (
        write("x", whole, "toml") == 'name = "x"\ntrunks = [\n    "b",\n]\nlists = [\n    "a",\n]\n'
    )
    assert whole["dispositions"] == STANDARD


WRONG: list[tuple[str, str, str, str, str]] = [
    ('mode = "predictive"', 'mode = "fast"', "mode", "bad_value", 'mode = "fast"'),
    ("ring_timeout_s = 30.0", "ring_timeout = 30.0", "ring_timeout", "unknown_key", "ring_timeout"),
    ("conversations = 500", "conversations = 0", "goals.conv", "bad_value", "conversations = 0"),
    ("conversations = 500", "calls = 500", "goals.calls", "unknown_key", "calls = 500"),
    ('kind = "number"', 'kind = "money"', "form", "bad_value", 'kind = "money"'),
    (
        'code = "refused"',
        'code = "agreed"',
        "dispositions",
        "bad_value",
        'code = "agreed"\ntitle_ru = "Отказ"',
    ),
    ('to = "offer"', 'to = "offr"', "script", "bad_value", 'to = "offr"'),
    ("{operator.name}", "{operator.nme}", "script", "bad_value", "{operator.nme}"),
    ("{operator.name}", "{operator", "script", "bad_value", 'text = """'),
    (
        'flags = ["productive", "target"]',
        'flags = ["prodctive"]',
        "dispositions",
        "bad_value",
        '"prodctive"',
    ),
    ('name = "spring"', "name = 5", "name", "bad_value", "name = 5"),
]


@pytest.mark.parametrize(
    ("good", "bad", "said", "id", "place"), WRONG, ids=[row[1] for row in WRONG]
)
def test_what_is_wrong_has_its_line(good: str, bad: str, said: str, id: str, place: str) -> None:
    text = SPRING.replace(good, bad)
    assert text != SPRING
    with pytest.raises(FileError) as caught:
        read(text, "toml", "spring.toml")
    assert caught.value.id == id
    assert caught.value.places[0][0] == line_of(text, place)
    assert f"spring.toml, line {caught.value.places[0][0]}, column" in str(caught.value)
    assert said in str(caught.value)
    assert f"spring.toml, строка {caught.value.places[0][0]}, столбец" in caught.value.to("ru")


def test_rules_among_keys_have_their_line_too() -> None:
    for good, bad, place in (
        ('requires = ["budget"]', 'requires = ["income"]', 'requires = ["income"]'),
        ('disposition = "refused"', 'disposition = "no"', 'disposition = "no"'),
    ):
        text = SPRING.replace(good, bad)
        file = read(text, "toml", "spring.toml")
        with pytest.raises(registry.BadSettings) as caught:
            registry.complete(file.settings)
        error = file.located(caught.value)
        assert f"line {line_of(text, place)}," in str(error)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([("a", ["b"]), ("b", ["a"])], "a → b → a"),
        ([("a", ["a"])], "a → a"),
        ([("a", ["b"]), ("b", []), ("c", ["b"])], "'c'"),
        ([("a", ["b", "c"]), ("b", ["d"]), ("c", ["d"]), ("d", [])], ""),
        ([("a", ["b"]), ("b", ["c"]), ("c", ["b"])], "b → c → b"),
    ],
)
def test_ways_of_a_script(steps: list[tuple[str, list[str]]], said: str) -> None:
    text = 'name = "x"\n' + "".join(
        f'[[script.steps]]\ncode = "{code}"\ntext = "t"\n'
        + "".join(f'[[script.steps.answers]]\ntext = "x"\nto = "{to}"\n' for to in targets)
        for code, targets in steps
    )
    if not said:
        assert read(text, "toml", "x").settings["script"]
        return
    with pytest.raises(FileError, match="line") as caught:
        read(text, "toml", "x")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ('name = "x"\nmode = \n', "toml", (2, 8)),
        ('name = "x"\nname = "y"\n', "toml", (2, 11)),
        ("name: x\nmode: [a\n", "yaml", (3, 1)),
        ("name: x\nname: y\n", "yaml", (2, 1)),
        ("name: &a x\nmode: *a\n", "yaml", (2, 7)),
        ("- a\n", "yaml", (1, 1)),
        ("name: x\ngoals:\n  conversations: many\n", "yaml", (3, 3)),
        (
            "name: x\nscript:\n  steps:\n  - code: a\n    text: |\n      one\n      {two}\n",
            "yaml",
            (7, 7),
        ),
    ],
)
def test_syntax_and_values_have_their_place(
    text: str, kind: Format, place: tuple[int, int]
) -> None:
    with pytest.raises(FileError) as caught:
        read(text, kind, "file")
    assert caught.value.places[0] == place


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.sampled_from(" \"'\\#[]{}|"),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip() and text.isprintable())
LINES = st.lists(WORDS, min_size=1, max_size=3).map(
    lambda lines: "\n".join(line.replace("{", "(").replace("}", ")") for line in lines)
)
CODES = st.lists(
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=5, unique=True
)


MEANT = st.datetimes().filter(meant)


@st.composite
def settings(draw: st.DrawFn) -> dict[str, Any]:
    codes = draw(CODES)
    flags = st.lists(st.sampled_from(["productive", "target", "refusal"]), unique=True)
    found = {
        "lists": draw(st.lists(WORDS, min_size=1, max_size=3, unique=True)),
        "trunks": [],
        "recording": draw(st.booleans()),
        "ring_timeout_s": draw(st.floats(5, 120)),
        "goals.conversations": draw(st.none() | st.integers(1, 1000)),
        "goals.date": draw(st.none() | MEANT.map(lambda at: at.date().isoformat())),
        "schedule.start": draw(st.none() | MEANT.map(lambda at: at.isoformat(timespec="seconds"))),
        "form": [
            {
                "code": code,
                "kind": "text",
                "title_ru": draw(WORDS),
                "title_en": draw(WORDS),
                "choices": [],
            }
            for code in codes
        ],
        "dispositions": [
            {
                "code": code,
                "title_ru": draw(WORDS),
                "title_en": draw(WORDS),
                "flags": draw(flags),
                "hot_key": None,
                "requires": draw(st.lists(st.sampled_from(codes), unique=True)),
            }
            for code in codes
        ],
        "script": {
            "steps": [
                {
                    "code": code,
                    "text": draw(LINES).strip("\n"),
                    "answers": [
                        {"text": draw(WORDS), "to": to, "disposition": None}
                        for to in [following]
                        if to
                    ],
                }
                for code, following in itertools.zip_longest(codes, codes[1:])
            ]
        },
    }
    return registry.complete(registry.read(found))


@given(WORDS, settings(), st.sampled_from(["toml", "yaml"]))
def test_any_settings_survive_a_file(name: str, whole: dict[str, Any], kind: Format) -> None:
    text = write(name, whole, kind)
    file = read(text, kind, "file")
    assert (file.name, registry.complete(file.settings)) == (name, whole)
    for path in [("name",), ("script", "steps", 0, "text"), ("dispositions", 0, "code")]:
        line, _ = file.places.of(path)
        assert str(path[-1]) in text.split("\n")[line - 1]


@given(st.text())
def test_a_filled_text_holds_nothing_but_its_values(text: str) -> None:
    assert fill("{contact.name}!", {"contact.name": text}) == f"{text}!"
    assert fill("{{x}} {contact.name|you}", {}) == "{x} you"
