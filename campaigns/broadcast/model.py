"""PURE. What a broadcast plays, which keys it takes, and what they mean.

A broadcast is a row of steps. Each plays a sound; a step with `keys` is a question and waits for
one of these. The key for an operator and the key for no more calls are taken at every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from campaigns.campaign.kinds import Key, Maybe, Number, Table, Text, Value, Wrong
from campaigns.campaign.modes import BROADCAST
from campaigns.campaign.structures import distinct, record, records, shortened
from campaigns.dispositions.model import CODE
from campaigns.refusals import Sentence

MOST_STEPS, MOST_KEYS = 20, 10
DIGIT = Text(1, r"[0-9]", Sentence("one digit", "одна цифра"))
SOUND = Text(
    200,
    r"/[A-Za-z0-9_./-]+",
    Sentence(
        "the path of a sound file on the node, without its suffix",
        "путь к звуковому файлу на узле, без расширения",
    ),
)

KEY: Mapping[str, tuple[Any, Value]] = {
    "key": (DIGIT, ...),
    "answer": (Text(100), ...),
    "disposition": (Maybe(CODE), None),
}
SHAPE: Mapping[str, tuple[Any, Value]] = {
    "operator_key": (Maybe(DIGIT), None),
    "opt_out_key": (Maybe(DIGIT), None),
    "repeats": (Number(1, 5, "", whole=True), 2),
    "wait_s": (Number(1, 30, "s"), 5.0),
    "steps": (Table(lambda value: _steps(value), Sentence("steps", "шаги")), ...),
}


def _keys(value: Value) -> Value:
    found = records(value, KEY, MOST_KEYS)
    distinct(found, "key")
    return found


STEP: Mapping[str, tuple[Any, Value]] = {
    "code": (CODE, ...),
    "sound": (SOUND, ...),
    "keys": (Table(_keys, Sentence("keys", "клавиши")), []),
}


def _steps(value: Value) -> Value:
    found = records(value, STEP, MOST_STEPS)
    if not found:
        raise Wrong("give at least one step", "нужен хотя бы один шаг")
    distinct(found, "code")
    return found


def read(value: Value) -> Value:
    """A broadcast in its kept form, None for none. Raises Wrong."""
    if value is None:
        return None
    found = record(value, SHAPE)
    own = [found["operator_key"], found["opt_out_key"]]
    if own[0] is not None and own[0] == own[1]:
        raise Wrong(
            "one key cannot be both for an operator and for no more calls",
            "одна клавиша не может и звать оператора, и запрещать звонки",
            ("opt_out_key",),
        )
    for at, step in enumerate(found["steps"]):
        for place, key in enumerate(step["keys"]):
            if key["key"] in own:
                raise Wrong(
                    f"the key {key['key']} is taken at every step",
                    f"клавиша {key['key']} занята на всех шагах",
                    ("steps", at, "keys", place, "key"),
                )
    return found


def outside(broadcast: Value) -> Value:
    """For a file: what is as it would be anyway is left out."""
    if broadcast is None:
        return None
    steps = [shortened(step, STEP) for step in broadcast["steps"]]
    for step in steps:
        if "keys" in step:
            step["keys"] = [shortened(key, KEY) for key in step["keys"]]
    return {**shortened(broadcast, SHAPE), "steps": steps}


KEYS: tuple[Key, ...] = (
    Key(
        "broadcast",
        Table(
            read,
            Sentence(
                "table: operator_key, opt_out_key, repeats, wait_s, and steps: code, sound, keys",
                "таблица: operator_key, opt_out_key, repeats, wait_s и steps: code, sound, keys",
            ),
        ),
        None,
        Sentence(
            "in broadcast: what is played and asked", "в broadcast: что звучит и спрашивается"
        ),
        "broadcast",
    ),
)


def complete(whole: Mapping[str, Value]) -> Iterator[tuple[str, Wrong]]:
    """The rules with other settings: a broadcast says something, its results are known."""
    kept = whole["broadcast"]
    if kept is None:
        if whole["mode"] == BROADCAST:
            yield "broadcast", Wrong("a broadcast needs steps", "для broadcast нужны шаги (steps)")
        return
    known = {disposition["code"] for disposition in whole["dispositions"]}
    fields = {field["code"] for field in whole["form"]}
    for at, step in enumerate(kept["steps"]):
        if step["code"] in fields:
            told = f"{step['code']} is a field of the form", f"{step['code']}: такое поле в форме"
            yield "broadcast", Wrong(*told, ("steps", at, "code"))
        for place, key in enumerate(step["keys"]):
            if key["disposition"] is not None and key["disposition"] not in known:
                code = key["disposition"]
                told = f"there is no disposition {code}", f"нет результата {code}"
                yield "broadcast", Wrong(*told, ("steps", at, "keys", place, "disposition"))


def variables(broadcast: Mapping[str, Any]) -> dict[str, str]:
    """What the dialplan is told of a broadcast, by channel variable."""
    steps: Sequence[Mapping[str, Any]] = broadcast["steps"]
    own = [key for key in (broadcast["operator_key"], broadcast["opt_out_key"]) if key]
    found = {
        "PROZVON_STEPS": str(len(steps)),
        "PROZVON_REPEATS": str(broadcast["repeats"]),
        "PROZVON_WAIT": f"{broadcast['wait_s']:g}",
        "PROZVON_OPERATOR_KEY": broadcast["operator_key"] or "none",
        "PROZVON_OPT_OUT_KEY": broadcast["opt_out_key"] or "none",
    }
    for place, step in enumerate(steps, 1):
        found[f"PROZVON_CODE_{place}"] = step["code"]
        found[f"PROZVON_SOUND_{place}"] = step["sound"]
        # Only a question is waited at, and the end, where a key may still come.
        listens = step["keys"] or (own and place == len(steps))
        found[f"PROZVON_LISTENS_{place}"] = "1" if listens else "0"
        for key in step["keys"]:
            found[f"PROZVON_KEY_{place}_{key['key']}"] = "1"
    return found
