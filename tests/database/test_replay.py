"""Recorded runs come to the same when they are played back; a run that was otherwise does not."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.database.embedded import EmbeddedPostgres
from dialer.replay.play import Replayed, replay
from dialer.replay.record import Record, read_record

RUNS = Path(__file__).parents[1] / "replays"
Play = Callable[[Record], Replayed]
_numbers = itertools.count(1)


@pytest.fixture
def play(
    database_server: EmbeddedPostgres, database_template: str, tmp_path: Path
) -> Iterator[Play]:
    """Replays on databases of their own; a replay has its own event loop."""
    made: list[str] = []

    def play(record: Record) -> Replayed:
        name = f"replay_{os.getpid()}_{next(_numbers)}"
        made.append(name)
        creating = database_server.create_database(name, template=database_template)
        return replay(record, asyncio.run(creating), tmp_path)

    yield play
    for name in made:
        asyncio.run(database_server.drop_database(name))


def run(name: str) -> Record:
    return read_record(RUNS / f"{name}.jsonl.gz")


@pytest.mark.parametrize("name", ["progressive", "predictive", "leaving", "talks"])
def test_a_recorded_run_comes_to_the_same(play: Play, name: str) -> None:
    record = run(name)
    found = play(record)
    assert found.differences == []
    assert found.unknown_actions == []
    assert found.attempts == len(record.results["outcome"]) >= (4 if name == "talks" else 20)


def test_the_runs_have_what_they_are_there_for() -> None:
    outcomes = {
        name: Counter(row["outcome"] for row in run(name).results["outcome"])
        for name in ("progressive", "predictive", "leaving")
    }
    assert {"answered", "no_answer", "busy"} <= outcomes["progressive"].keys()
    assert outcomes["predictive"]["abandoned"] > 0
    leaving = run("leaving").lines
    asked = {line.fields["request"] for line in leaving if line.kind == "desk"}
    assert {"pause", "sign_out", "hang_up", "dispose"} <= asked
    assert sum(line.fields.get("Action") == "Login" for line in leaving) == 2, "no lost link"


def test_the_run_with_talks_has_all_that_people_ask_for() -> None:
    """Whoever came by the API, by a phone's keys, by a card; and a call withdrawn is one too."""
    record = run("talks")
    asked = {line.fields["request"] for line in record.lines if line.kind == "talk"}
    assert {"hold", "consult", "cancel-consult", "transfer"} <= asked
    assert "resume" not in asked, "it came by a `*` code"
    cards = {line.fields["what"] for line in record.lines if line.kind == "card"}
    assert cards == {"given", "skipped"}
    modes = {line.fields["mode"] for line in record.lines if line.kind == "place"}
    assert modes >= {"progressive", "preview", "manual", "broadcast"}
    ways = {(row["began_by"], row["ended_by"]) for row in record.results["part"]}
    assert {("answer", "transfer"), ("transfer", "person")} <= ways


def test_without_what_was_asked_for_the_conversation_is_somebody_elses(play: Play) -> None:
    record = run("talks")
    record.lines = [line for line in record.lines if line.fields.get("request") != "transfer"]
    different = [d for d in play(record).differences if d.what == "part"]
    assert any(d.recorded == "t2" or "t2" in str(d.recorded) for d in different)


def test_another_cause_of_a_hangup_is_another_outcome(play: Play) -> None:
    record = run("progressive")
    busy = next(r["attempt"] for r in record.results["outcome"] if r["outcome"] == "busy")
    at = next(
        index
        for index, line in enumerate(record.lines)
        if line.fields.get("Event") == "Hangup" and line.fields["Uniqueid"] == busy
    )
    line = record.lines[at]
    changed = {**line.fields, "Cause": "1", "TechCause": "404"}
    record.lines[at] = replace(line, fields=changed)
    different = {(d.what, d.key, d.recorded, d.replayed) for d in play(record).differences}
    assert ("outcome", f"{busy} outcome", "busy", "invalid") in different
    assert all(key.startswith(busy) for what, key, *_ in different if what == "outcome")


def test_without_what_the_node_kept_ends_while_the_link_was_down_are_not_known(play: Play) -> None:
    record = run("leaving")
    record.lines = [
        replace(line, fields={"channels": []}) if line.kind == "cel" else line
        for line in record.lines
    ]
    different = [d for d in play(record).differences if d.key.endswith(" cause")]
    assert different
    assert all(d.replayed is None for d in different)
