"""Hold, mute, keys and park on real servers; what both sides hear is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.refusal import Refusal
from tests.asterisk.talk_tools import FIRST, PERSON, SECOND, all_hear, talking
from tests.fixtures_floor import FloorApp


async def test_on_hold_the_person_hears_music_and_comes_back(
    floor_app: FloorApp, tmp_path: Path
) -> None:
    call = await talking(floor_app, tmp_path)
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))

    assert (await call.talks.hold("t1")).talk == "held"
    assert floor_app.seat("t1").state.kind == "hold"
    await all_hear((call.person, ["music"]), (call.first, []))
    with pytest.raises(Refusal, match="already"):
        await call.talks.hold("t1")
    await call.talks.resume("t1")
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    assert call.talks.view("t1").talk == "plain"

    await call.talks.mute("t1", on=True)
    await all_hear((call.person, []), (call.first, [PERSON]))
    await call.talks.mute("t1", on=False)
    await call.person.hears(FIRST)
    row = await call.end()
    assert (row["outcome"], row["ended_by"], row["operator"]) == ("answered", "person", "t1")
    await floor_app.state("t1", "wrap_up")
    assert await call.parts() == [("t1", "answer", "person")]


async def test_a_parked_person_is_picked_up(floor_app: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor_app, tmp_path, "t2")
    second = await call.other("t2", SECOND)

    await call.talks.park("t1")
    assert [person.by for person in call.talks.parked()] == ["t1"]
    await floor_app.state("t1", "wrap_up")
    await all_hear((call.person, ["music"]), (call.first, []), (second, []))
    await call.talks.pick_up("t2")
    await all_hear((call.person, [SECOND]), (second, [PERSON]), (call.first, []))
    await floor_app.state("t2", "talking")
    assert call.talks.parked() == []

    row = await call.end()
    assert (row["outcome"], row["operator"]) == ("answered", "t2")
    await floor_app.state("t2", "wrap_up")
    assert await call.parts() == [("t1", "answer", "park"), ("t2", "pick_up", "person")]
