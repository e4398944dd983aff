"""What is missing is said in a sentence, and the floor comes up by itself when it is there."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from dialer.app import App
from dialer.asterisk.ami import AmiState
from dialer.config import DatabaseSettings, HttpSettings, RecordingSettings, Settings
from dialer.database.embedded import EmbeddedPostgres
from tests.faults.proxy import FaultProxy
from tests.fixtures_floor import FloorApp, Telephony, number, running_app, settings_for


@asynccontextmanager
async def starting_app(settings: Settings) -> AsyncIterator[App]:
    """An app that may not come up yet."""
    app = App(settings)
    task = asyncio.create_task(app.run())
    try:
        yield app
        assert not task.done(), "the process must not stop"
    finally:
        app.stopping.set()
        await asyncio.wait({task}, timeout=30)
        task.cancel()


async def problem_of(app: App, part: str, pattern: str, timeout_s: float = 15) -> str:
    """Waits for the sentence in which a part's problem is told."""
    deadline = time.monotonic() + timeout_s
    while not re.search(pattern, app.health.report().get(part, "")):
        assert time.monotonic() < deadline, f"no {pattern!r} in {app.health.report()}"
        await asyncio.sleep(0.05)
    return app.health.report()[part]


async def started(app: App, timeout_s: float = 20) -> None:
    async with asyncio.timeout(timeout_s):
        await app.started.wait()
        while any(app.health.report().values()):
            await asyncio.sleep(0.05)


async def test_without_a_database_it_waits_and_says_so(
    telephony: Telephony, tmp_path: Path
) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    dsn = await server.start()
    await server.stop()
    settings = settings_for(telephony, dsn, tmp_path)
    try:
        async with starting_app(settings) as app:
            await problem_of(app, "database", "Check the database URL")
            url = f"http://127.0.0.1:{settings.http.port}"
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{url}/readyz") as response:
                    assert response.status == 503
                    body = await response.json()
                assert "Check the database URL" in body["dependencies"]["database"]
                async with session.get(f"{url}/healthz") as response:
                    assert response.status == 200
            await server.start()
            await started(app)
    finally:
        await server.stop()


async def test_without_asterisk_nothing_is_dialed_until_it_is_there(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    proxy = await FaultProxy.start("127.0.0.1", telephony.conf.ami_port)
    proxy.refuse()
    settings = settings_for(telephony, database, tmp_path, ami_port=proxy.port)
    try:
        async with starting_app(settings) as app:
            await app.started.wait()
            await problem_of(app, "asterisk", "Asterisk: ")
            proxy.accept()
            await started(app)
    finally:
        await proxy.close()


async def test_a_journal_that_cannot_be_read_is_told_and_tried_again(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    """Until it is known what is live on the node, nothing may be dialed."""
    journal = tmp_path / "cel"
    journal.mkdir()
    settings = settings_for(telephony, database, tmp_path, cel_journal=journal)
    async with starting_app(settings) as app:
        await problem_of(app, "asterisk", "cannot find out what is live.*IsADirectoryError")
        assert not app.board.recovered
        journal.rmdir()
        await started(app)
        assert app.board.recovered


async def test_a_refused_manager_login_is_told_and_tried_again(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path, ami_secret="not-the-secret")
    file = telephony.conf.layout.etc / "manager.conf"
    right = file.read_text()
    async with starting_app(settings) as app:
        await app.started.wait()
        sentence = await problem_of(app, "asterisk", "refused")
        assert app.ami.state is AmiState.REFUSED
        assert "not-the-secret" not in sentence
        try:
            file.write_text(right.replace(telephony.conf.ami_secret, "not-the-secret"))
            await telephony.pbx.cli("manager reload")
            app.ami.retry_now()
            await started(app)
        finally:
            file.write_text(right)
            await telephony.pbx.cli("manager reload")


async def test_a_taken_port_is_named_and_used_when_it_is_free(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    with socket.socket() as taken, socket.socket() as taken_agi:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        # Sessions of earlier tests may still be in TIME_WAIT there.
        taken_agi.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken_agi.bind(("127.0.0.1", telephony.conf.agi_port))
        taken_agi.listen()
        port = taken.getsockname()[1]
        settings = settings_for(telephony, database, tmp_path)
        settings = settings.model_copy(update={"http": HttpSettings(port=port)})
        async with starting_app(settings) as app:
            await problem_of(app, "http", rf"cannot listen on 127.0.0.1:{port}.*set http.port")
            taken.close()
            await problem_of(app, "agi", str(telephony.conf.agi_port))
            taken_agi.close()
            await started(app)


async def test_a_full_disk_stops_campaigns_that_record_and_no_others(
    telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path)
    settings = settings.model_copy(update={"recording": RecordingSettings(min_free_mb=10_000_000)})
    recorded, plain = number("0101"), number("0101")
    async with running_app(telephony, settings) as floor:
        await floor.sign_in("t1", "t2")
        campaign = await floor.campaign(recorded, recording=True)
        await floor.campaign(plain)
        assert (await floor.outcome(plain))["outcome"] == "answered"
        assert await floor.attempts(recorded) == []
        reason = (await floor.decisions(campaign))[-1]["reason"]
        assert re.search(r"MB free for recordings.*10000000 MB needed: free some space", reason)
        _free_the_disk(floor)
        row = await floor.outcome(recorded)
        assert row["outcome"] == "answered"
        recording = Path(row["recording"])
        await floor.until(recording.exists, "both sides put into one file")
        assert recording.stat().st_size > 1000


def _free_the_disk(floor: FloorApp) -> None:
    """A disk cannot be filled and freed in a test: what is needed shrinks instead."""
    floor.app.controller.holds.min_free_bytes = 0


async def test_a_second_controller_of_the_floor_waits_for_the_lease(
    floor_app: FloorApp, telephony: Telephony, database: str, tmp_path: Path
) -> None:
    settings = settings_for(telephony, database, tmp_path)
    async with starting_app(settings) as second:
        sentence = await problem_of(second, "lease", "the floor is held by")
        assert "stop that controller" in sentence
        assert not second.started.is_set()


async def test_a_database_url_that_is_wrong_shows_no_password(
    telephony: Telephony, tmp_path: Path
) -> None:
    settings = settings_for(telephony, "postgresql://x", tmp_path)
    url = SecretStr("postgresql://someone:a-secret@127.0.0.1:1/nothing")
    settings = settings.model_copy(update={"database": DatabaseSettings(url=url)})
    async with starting_app(settings) as app:
        sentence = await problem_of(app, "database", "Cannot connect")
        assert "a-secret" not in sentence
