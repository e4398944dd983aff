"""What operators do in a call, asked for as desks and people do: by HTTP and by commands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dialer.asterisk import events as ev
from monitoring.recordings.model import legs_of
from tests.asterisk.race_tools import carrier_ami
from tests.asterisk.talk_tools import (
    FIRST,
    HEARD,
    PERSON,
    SECOND,
    all_hear,
    amplitude,
    talking,
)
from tests.asterisk.test_managers_morning import write_settings
from tests.fixtures_floor import FloorApp, Telephony

PROZVON = Path(sys.executable).parent / "prozvon"


async def api(floor: FloorApp, method: str, path: str, body: object = None) -> tuple[int, Any]:
    settings = floor.app.settings
    token = settings.secret(settings.http.token, "api_token")
    url = f"http://127.0.0.1:{floor.app.http_port}/api{path}"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.request(method, url, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def command(floor: FloorApp, folder: Path, *words: str) -> tuple[int, Any]:
    """`prozvon operator WORDS --json`: exit code and document."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PROZVON_")}
    process = await asyncio.create_subprocess_exec(
        *(str(PROZVON), "operator", *words, "--json"),
        env=clean | {"PROZVON_CONFIG": str(write_settings(floor, folder))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert out, error.decode()
    return process.returncode, json.loads(out)


@asynccontextmanager
async def keys_at_the_far_end(telephony: Telephony) -> AsyncIterator[list[str]]:
    """Keys that arrive at the carrier, as they come."""
    keys: list[str] = []

    def note(event: ev.Event) -> None:
        if isinstance(event, ev.Dtmf) and event.direction == "Received":
            keys.append(event.digit)

    async with carrier_ami(telephony, note):
        yield keys


async def recorded(floor: FloorApp, leg: Path, hz: int) -> None:
    """Waits until the end of what was written so far has this tone (written 2 s at a time)."""

    def there() -> bool:
        data = leg.read_bytes()[44:][-6400:]  # a header alone sounds like any tone
        return bool(data) and amplitude(array("h", data[: len(data) // 2 * 2]), hz) > HEARD

    await floor.until(there, f"{leg.name} has {hz} Hz at its end")


async def test_a_call_by_http(floor_app: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor_app, tmp_path, "t2")
    t1 = "/operators/t1"

    status, view = await api(floor_app, "POST", f"{t1}/hold")
    assert (status, view["talk"], view["state"]) == (200, "held", "hold")
    await call.person.hears("music")
    status, problem = await api(floor_app, "POST", f"{t1}/hold")
    assert (status, problem["title"]) == (409, "wrong_state")
    status, problem = await api(floor_app, "POST", f"{t1}/dtmf", {"digits": "1"})
    assert (status, problem["title"]) == (409, "wrong_state")
    assert (await api(floor_app, "POST", f"{t1}/resume"))[0] == 200
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    assert (await api(floor_app, "GET", f"{t1}/call"))[1]["talk"] == "plain"

    assert (await api(floor_app, "POST", f"{t1}/mute"))[1]["muted"] is True
    await call.person.hears()
    assert (await api(floor_app, "GET", f"{t1}/call"))[1]["muted"] is True
    assert (await api(floor_app, "POST", f"{t1}/unmute"))[1]["muted"] is False
    await call.person.hears(FIRST)

    async with keys_at_the_far_end(floor_app.telephony) as keys:
        assert (await api(floor_app, "POST", f"{t1}/dtmf", {"digits": "15#"}))[0] == 200
        await floor_app.until(lambda: keys == list("15#"), "the keys arrive in their order")

    for path, body, wanted in (
        ("dtmf", {"digits": "1\r\nAction: Logoff"}, (422, "bad_digits")),
        ("dtmf", {}, (422, "missing_field")),
        ("transfer", {"fax": "1"}, (422, "bad_target")),
        ("pick-up", {"attempt_id": "me"}, (422, "bad_attempt")),
        ("resume", {}, (409, "wrong_state")),
        ("cancel-consult", {}, (409, "wrong_state")),
    ):
        status, problem = await api(floor_app, "POST", f"{t1}/{path}", body)
        assert (status, problem["title"]) == wanted, path
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))

    assert call.attempt.recording is not None
    person_leg, operator_leg = legs_of(call.attempt.recording)
    await recorded(floor_app, operator_leg, FIRST)
    second = await call.other("t2", SECOND)
    assert (await api(floor_app, "POST", f"{t1}/transfer", {"operator": "t2"}))[0] == 200
    await all_hear((call.person, [SECOND]), (second, [PERSON]))
    await recorded(floor_app, operator_leg, SECOND)
    # There and back: of two phones one has the lower RTP sequence number.
    assert (await api(floor_app, "POST", f"{t1}/ready"))[0] == 200
    status, view = await api(floor_app, "POST", "/operators/t2/transfer", {"operator": "t1"})
    assert status == 200, view
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    await recorded(floor_app, operator_leg, FIRST)
    await recorded(floor_app, person_leg, PERSON)
    assert operator_leg.read_bytes().rfind(b"RIFF") == 0, "one header, however often it was begun"
    assert (await call.end())["operator"] == "t1"


@pytest.mark.timeout(300)  # each command is a process of its own
async def test_a_call_by_commands(floor_app: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor_app, tmp_path, "t2")

    async def do(*words: str) -> tuple[int, Any]:
        return await command(floor_app, tmp_path, *words)

    code, view = await do("hold", "t1")
    assert (code, view["talk"]) == (0, "held")
    code, problem = await do("park", "t2")
    assert code != 0 and problem["error"]["id"], problem
    await call.person.hears("music")
    assert (await do("resume", "t1"))[0] == 0
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]))
    assert (await do("call", "t1"))[1]["talk"] == "plain"

    second = await call.other("t2", SECOND)
    assert (await do("consult", "t1", "--operator", "t2"))[0] == 0
    await all_hear((call.person, ["music"]), (call.first, [SECOND]), (second, [FIRST]))
    code, view = await do("three-way", "t1")
    assert code == 0
    await all_hear((call.person, [FIRST, SECOND]), (second, [FIRST, PERSON]))
    assert (await do("complete", "t1"))[0] == 0
    await all_hear((call.person, [SECOND]), (second, [PERSON]), (call.first, []))

    assert (await do("park", "t2"))[0] == 0
    code, people = await do("parked")
    assert [(p["why"], p["by"]) for p in people] == [("park", "t2")]
    assert (await do("ready", "t1"))[0] == 0
    assert (await do("pick-up", "t1", "--attempt", str(call.attempt.id)))[0] == 0
    await all_hear((call.person, [FIRST]), (call.first, [PERSON]), (second, []))
    assert (await call.end())["operator"] == "t1"


def spans(leg: Path) -> list[str]:
    """What the leg has after its first 0.1 s: "sound" and "silence" in turn, in steps of 20 ms.

    Silence of less than 0.2 s counts as sound: the node writes it for a packet that was late.
    """
    samples = array("h", leg.read_bytes()[44:][: leg.stat().st_size // 2 * 2 - 44])
    steps = (samples[i : i + 160] for i in range(800, len(samples) - 160, 160))
    runs = [(quiet, len(list(run))) for quiet, run in groupby(max(map(abs, s)) < 60 for s in steps)]
    kinds = ("silence" if quiet and steps >= 10 else "sound" for quiet, steps in runs)
    return [kind for kind, _ in groupby(kinds)]


async def test_a_pause_goes_on_through_a_transfer(floor_app: FloorApp, tmp_path: Path) -> None:
    call = await talking(floor_app, tmp_path, "t2")
    second = await call.other("t2", SECOND)
    assert call.attempt.recording is not None
    person_leg, operator_leg = legs_of(call.attempt.recording)
    await recorded(floor_app, operator_leg, FIRST)
    await recorded(floor_app, person_leg, PERSON)

    assert (await api(floor_app, "POST", "/operators/t1/recording-pause"))[0] == 200
    for taker, giver, ear in (("t2", "t1", second), ("t1", "t2", call.first)):
        await api(floor_app, "POST", f"/operators/{taker}/ready")
        path = f"/operators/{giver}/transfer"
        status, view = await api(floor_app, "POST", path, {"operator": taker})
        assert status == 200, view
        await ear.hears(PERSON)
    before = person_leg.stat().st_size
    await floor_app.until(lambda: person_leg.stat().st_size > before + 16000, "a second of pause")
    assert (await api(floor_app, "POST", "/operators/t1/recording-resume"))[0] == 200
    await recorded(floor_app, operator_leg, FIRST)
    await recorded(floor_app, person_leg, PERSON)

    assert spans(person_leg) == ["sound", "silence", "sound"]
    assert spans(operator_leg)[-3:] == ["sound", "silence", "sound"]
    await call.end()
