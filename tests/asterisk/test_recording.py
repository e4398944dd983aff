"""Recordings on real servers: both sides apart, silent while paused, stopped by a full disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import soundfile

from dialer.calls import Conversing
from dialer.cli import invoke
from dialer.config import RecordingSettings
from monitoring import metrics
from monitoring.recordings.model import Channels, RecordingError, Wanted, legs_of
from tests.asterisk.hearing import (
    OPERATOR,
    PERSON,
    heard,
    person_speaks,
    samples_of,
    silent,
    speak,
    tones,
)
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for


async def until_finished(floor: FloorApp, attempt_id: UUID, timeout_s: float = 15) -> Any:
    async with asyncio.timeout(timeout_s):
        while True:
            found = await floor.app.features.recordings.recordings(Wanted(limit=1000))
            if match := [one for one in found if one.attempt_id == attempt_id]:
                return match[0]
            await asyncio.sleep(0.05)


async def talk(floor: FloorApp, login: str = "t1", **columns: Any) -> Conversing:
    """A recorded conversation with tones on both sides."""
    await floor.sign_in(login)
    phone = number("1101")
    await floor.campaign(phone, recording=True, **columns)
    attempt = await floor.stage(phone, Conversing)
    assert isinstance(attempt, Conversing)
    await speak(floor, login, OPERATOR)
    await person_speaks(floor, phone, PERSON)
    return attempt


async def written(attempt: Conversing, seconds: float) -> None:
    """Waits until the node has written so much more of both sides."""
    assert attempt.recording
    legs = legs_of(attempt.recording)
    sizes = [leg.stat().st_size if leg.exists() else 0 for leg in legs]
    async with asyncio.timeout(10):
        while any(
            not leg.exists() or leg.stat().st_size < size + seconds * 16000
            for leg, size in zip(legs, sizes, strict=True)
        ):
            await asyncio.sleep(0.05)


def sides(path: Path) -> tuple[Any, Any]:
    """Samples of the person's and of our side."""
    with soundfile.SoundFile(path) as file:
        assert (file.channels, file.samplerate) == (2, 8000)
        data = samples_of(bytes(file.buffer_read(dtype="int16")))
    return data[0::2], data[1::2]


@dataclass
class Api:
    base: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.base + path, json=body or None) as answer:
            raw = await answer.read()
            kind = answer.content_type
            return answer.status, json.loads(raw) if kind.endswith("json") else raw


@pytest.fixture
async def api(floor_app: FloorApp) -> AsyncIterator[Api]:
    settings = floor_app.app.settings
    token = settings.secret(settings.http.token, "api_token")
    headers = {"Authorization": f"Bearer {token}", "X-Prozvon-Actor": "olga"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield Api(f"http://127.0.0.1:{floor_app.app.http_port}", session)


async def audit(floor: FloorApp, *actions: str) -> list[tuple[str, str]]:
    rows = await floor.pool.fetch(
        "select actor, action from audit where action = any($1::text[]) order by id", list(actions)
    )
    return [(row["actor"], row["action"]) for row in rows]


async def test_both_sides_are_kept_apart_and_a_pause_is_silence(
    floor_app: FloorApp, api: Api, tmp_path: Path
) -> None:
    attempt = await talk(floor_app)
    await written(attempt, 1.0)
    assert await api.ask("POST", "/api/operators/t1/recording-pause") == (
        200, {"login": "t1", "recording": "paused"},
    )  # fmt: skip
    status, refusal = await api.ask("POST", "/api/operators/t1/recording-pause")
    assert (status, refusal["title"]) == (409, "already_paused")
    _, now = await api.ask("GET", "/api/recordings/status")
    assert (now["recording"], now["paused"], now["trouble"]) == (0, 1, "")
    await written(attempt, 1.5)
    assert (await api.ask("POST", "/api/operators/t1/recording-resume"))[0] == 200
    assert (await api.ask("POST", "/api/operators/t1/recording-resume"))[0] == 409
    await written(attempt, 1.0)
    floor_app.app.desk.hang_up("t1")

    one = await until_finished(floor_app, attempt.id)
    assert one.path is not None and one.path.suffix == ".wav"
    assert one.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
    assert one.bytes == one.path.stat().st_size
    row = (await floor_app.attempts())[0]
    assert abs(one.seconds - (row["ended_at"] - row["bridged_at"]).total_seconds()) < 1.0
    assert not any(leg.exists() for leg in legs_of(attempt.recording or ""))
    person, ours = sides(one.path)
    (pause,) = one.pauses
    assert 1.3 < pause.to_s - pause.from_s < 4
    first, last = (slice(int(8000 * a), int(8000 * b)) for a, b in (
        (pause.from_s - 0.6, pause.from_s - 0.1), (pause.to_s + 0.4, pause.to_s + 0.9),
    ))  # fmt: skip
    middle = slice(int(8000 * (pause.from_s + 0.3)), int(8000 * (pause.to_s - 0.3)))
    for part in (first, last):
        assert tones(person[part]) == {PERSON}
        assert tones(ours[part]) == {OPERATOR}
    assert silent(person[middle]) and silent(ours[middle])

    path = f"/api/recordings/{attempt.id}"
    assert (await api.ask("GET", path))[1] == one.path.read_bytes()
    for channels, expected in (
        ("person", {PERSON}), ("operator", {OPERATOR}), ("mono", {PERSON, OPERATOR}),
    ):  # fmt: skip
        status, sound = await api.ask("GET", f"{path}?channels={channels}")
        assert status == 200
        (tmp_path / "heard.wav").write_bytes(sound)
        with wave.open(str(tmp_path / "heard.wav")) as file:
            assert file.getnchannels() == 1
            assert tones(samples_of(file.readframes(file.getnframes()))[last]) == expected
    status, listed = await api.ask("GET", "/api/recordings?operator=t1")
    assert [item["attempt_id"] for item in listed] == [str(attempt.id)]
    assert "path" not in listed[0]
    assert await audit(floor_app, "recording_paused", "recording_resumed") == [
        ("olga", "recording_paused"), ("olga", "recording_resumed"),
    ]  # fmt: skip
    assert await audit(floor_app, "recording_listened") == [("olga", "recording_listened")] * 4


async def test_requests_about_recordings_that_make_no_sense(floor_app: FloorApp, api: Api) -> None:
    await floor_app.hire("t1")
    cases = {
        ("POST", "/api/operators/t1/recording-pause"): (409, "not_signed_in"),
        ("GET", "/api/recordings/no-uuid"): (422, "bad_attempt"),
        ("GET", f"/api/recordings/{UUID(int=7)}"): (404, "unknown_recording"),
        ("GET", f"/api/recordings/{UUID(int=7)}?channels=left"): (422, "bad_channels"),
        ("GET", "/api/recordings?limit=0"): (422, "bad_limit"),
        ("GET", "/api/recordings?limit=many"): (422, "bad_number"),
        ("GET", "/api/recordings?since=yesterday"): (422, "bad_time"),
        ("GET", "/api/recordings?since=2026-03-09T10:00"): (422, "bad_time"),
    }
    for (method, path), expected in cases.items():
        status, answer = await api.ask(method, path)
        assert (status, answer["title"]) == expected, path
    for body, id in (({"campaign": "none", "days": 3}, "unknown_campaign"),
                     ({"campaign": "none", "days": 0}, "bad_days"),
                     ({"campaign": "none", "days": "x"}, "bad_number")):  # fmt: skip
        assert (await api.ask("POST", "/api/recordings/keep", **body))[1]["title"] == id
    await floor_app.sign_in("t1")
    assert (await api.ask("POST", "/api/operators/t1/recording-pause"))[1]["title"] == (
        "no_conversation"
    )
    phone = number("1101")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Conversing)
    assert (await api.ask("POST", "/api/operators/t1/recording-pause"))[1]["title"] == (
        "not_recorded"
    )


async def test_a_full_disk_stops_recordings_and_not_conversations(
    floor_app: FloorApp, api: Api
) -> None:
    attempt = await talk(floor_app)
    await written(attempt, 1.0)
    before = metrics.value("prozvon_recordings_stopped_total", reason="disk")
    floor_app.app.features.live_recordings.free_bytes = lambda folder: 3 << 20

    await floor_app.until(
        lambda: attempt.id in floor_app.app.features.live_recordings.stopped, "stopped"
    )
    assert isinstance(floor_app.live(attempt.lead.phone), Conversing)
    assert metrics.value("prozvon_recordings_stopped_total", reason="disk") == before + 1
    _, status = await api.ask("GET", "/api/recordings/status")
    assert "3 MB free" in status["trouble"] and status["stopped"] == 1
    answer = await api.ask("POST", "/api/operators/t1/recording-pause")
    assert answer[1]["title"] == "recording_stopped"
    legs = legs_of(attempt.recording or "")
    sizes = [leg.stat().st_size for leg in legs]
    await asyncio.sleep(0.5)
    assert [leg.stat().st_size for leg in legs] == sizes
    floor_app.app.desk.hang_up("t1")

    one = await until_finished(floor_app, attempt.id)
    assert one.stopped_for == "disk"
    row = (await floor_app.attempts())[0]
    assert 0.9 < one.seconds < (row["ended_at"] - row["bridged_at"]).total_seconds()
    assert tones(sides(one.path)[0][-6000:]) == {PERSON}


async def test_opus_by_settings_and_the_end_of_the_time_to_keep(
    telephony: Telephony, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = settings_for(telephony, database, tmp_path)
    settings = settings.model_copy(update={"recording": RecordingSettings(format="opus")})
    async with running_app(telephony, settings) as floor:
        attempt = await talk(floor)
        await written(attempt, 2.0)
        floor.app.desk.hang_up("t1")
        one = await until_finished(floor, attempt.id)
        assert one.path is not None and one.path.suffix == ".opus"
        assert one.bytes < 0.25 * one.seconds * 32000
        person, ours = sides(one.path)
        assert heard(person[-9000:-2000], PERSON) and heard(ours[-9000:-2000], OPERATOR)
        assert not heard(person[-9000:-2000], OPERATOR, at_least=0.1)

        service, name = floor.app.features.recordings, one.campaign
        assert await service.purge(30, "retention") == []
        await floor.pool.execute("update recording set finished_at = now() - interval '5 days'")
        assert await service.purge(None, "retention") == []
        await service.keep(name, 3, "olga")
        assert await service.purge(30, "retention", dry_run=True) == [attempt.id]
        assert one.path.exists()
        assert await service.purge(30, "retention") == [attempt.id]
        assert not one.path.exists()
        with pytest.raises(RecordingError, match="was deleted on"):
            await service.heard(attempt.id, "olga", Channels.STEREO)
        assert await audit(floor, "recordings_kept", "recording_deleted") == [
            ("olga", "recordings_kept"), ("retention", "recording_deleted"),
        ]  # fmt: skip


async def test_a_conversation_recorded_before_a_crash_is_finished_after_it(
    floor_app: FloorApp,
) -> None:
    """The legs are on the disk and only half written; nobody heard the end."""
    attempt = await talk(floor_app)
    await written(attempt, 1.0)
    person, ours = legs_of(attempt.recording or "")
    floor_app.app.desk.hang_up("t1")
    one = await until_finished(floor_app, attempt.id)
    assert one.path is not None
    saved = one.path.read_bytes()
    assert len(saved) > 32000
    await floor_app.pool.execute("delete from recording where attempt_id = $1", attempt.id)
    await floor_app.pool.execute("update attempt set ended_at = ended_at - interval '1 minute'")
    # The header of a file that was never closed says nothing of its length.
    person.write_bytes(
        b"RIFF" + b"\0" * 20 + (8000).to_bytes(4, "little") + b"\0" * 16 + b"\1" * 9001
    )
    ours.unlink(missing_ok=True)
    one = await until_finished(floor_app, attempt.id)
    assert one.seconds == pytest.approx(4500 / 8000)
    await floor_app.pool.execute("delete from recording where attempt_id = $1", attempt.id)
    one = await until_finished(floor_app, attempt.id)
    assert one.path is None and "left no file" in (one.problem or "")


def test_the_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["recording", "--help"]) == 0
    said = capsys.readouterr().out
    for command in ("list", "get", "pause", "resume", "status", "keep", "purge"):
        assert command in said
