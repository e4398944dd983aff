"""`prozvon doctor` on a real PBX: all well, and one thing wrong at a time."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dialer.app import App
from dialer.asterisk.cel import JOURNAL_FILE
from dialer.asterisk.conf import TrunkConf
from dialer.asterisk.packages import AsteriskRuntime
from dialer.config import (
    AgiSettings,
    AsteriskSettings,
    DatabaseSettings,
    HttpSettings,
    RecordingSettings,
    RouteSettings,
    Settings,
    TrunkSettings,
)
from dialer.database.pool import open_pool
from dialer.doctor import examine
from dialer.findings import LIMIT_S, Finding
from tests.fixtures_asterisk import FarEnd, Pbx, pbx_conf, running_pbx
from tests.ports import free_port

ALL = (
    *(
        "host name",
        "database",
        "system clock",
        "calendars",
        "recordings",
        "ports",
        "serve",
        "installation",
        "outside phones",
        "ari",
        "modules",
        "trunk carrier",
    ),
    *("ami", "ami rights", "dialplan", "prompts", "fastagi", "clock", "cel journal"),
)


@pytest.fixture
def settings(pbx: Pbx, far_end: FarEnd, database: str, tmp_path: Path) -> Settings:
    """Of a controller on this PBX that does not run yet."""
    conf = pbx.conf
    return Settings(
        data_dir=tmp_path,
        database=DatabaseSettings(url=SecretStr(database)),
        asterisk=AsteriskSettings(
            embedded=False,
            sip_port=conf.sip_port,
            ami_port=conf.ami_port,
            ami_secret=SecretStr(conf.ami_secret),
            http_port=conf.http_port,
            ari_secret=SecretStr(conf.ari_secret),
            cel_journal=conf.layout.log / "cel-custom" / JOURNAL_FILE,
        ),
        agi=AgiSettings(port=conf.agi_port),
        http=HttpSettings(port=free_port()),
        trunks=(TrunkSettings(name="carrier", host="127.0.0.1", port=far_end.sip_port),),
        recording=RecordingSettings(min_free_mb=1),
    )


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    """The same with other values in one section."""
    part = getattr(settings, section).model_copy(update=values)
    return settings.model_copy(update={section: part})


def failures(findings: list[Finding]) -> dict[str, str]:
    assert tuple(finding.check for finding in findings) == ALL
    for finding in findings:
        if finding.ok or "not checked" in finding.text:
            assert re.search("[а-я]{3}", finding.text_ru), finding
    return {finding.check: finding.text for finding in findings if not finding.ok}


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[App]:
    """`prozvon serve`, ready."""
    app = App(settings)
    task = asyncio.create_task(app.run())
    try:
        async with asyncio.timeout(20):
            await app.started.wait()
            while any(app.health.report().values()):
                await asyncio.sleep(0.05)
        yield app
    finally:
        app.stopping.set()
        await task


async def test_beside_a_running_serve_all_is_well(settings: Settings) -> None:
    async with serving(settings):
        findings = await examine(settings)
        assert failures(findings) == {}
        text = {finding.check: finding.text for finding in findings}
        assert "answered by `prozvon serve`" in text["fastagi"]
        assert "is online" in text["trunk carrier"]


async def test_without_serve_only_that_is_wrong_and_the_doctor_answers_fastagi(
    settings: Settings,
) -> None:
    findings = await examine(settings)
    assert set(failures(findings)) == {"serve"}
    (wrong,) = [finding for finding in findings if not finding.ok]
    assert "запустите: prozvon serve" in wrong.said("ru")
    text = {finding.check: finding.text for finding in findings}
    assert "start it: prozvon serve" in text["serve"]
    assert "answered by the doctor" in text["fastagi"]


async def test_twice_in_a_row_proves_the_journal_anew(settings: Settings) -> None:
    for _ in range(2):
        assert "cel journal" not in failures(await examine(settings))


async def test_with_nothing_running_the_answer_comes_quickly(tmp_path: Path) -> None:
    nobody = free_port()
    settings = Settings(
        data_dir=tmp_path,
        asterisk=AsteriskSettings(http_port=nobody, ami_port=nobody),
        agi=AgiSettings(port=free_port()),
        http=HttpSettings(port=free_port()),
        trunks=(TrunkSettings(name="carrier", host="127.0.0.1"),),
        recording=RecordingSettings(min_free_mb=1),
    )
    began = time.monotonic()
    wrong = failures(await examine(settings))
    assert time.monotonic() - began < LIMIT_S
    assert set(ALL) - set(wrong) == {
        "host name", "system clock", "calendars", "recordings", "ports", "installation",
        "outside phones",
    }  # fmt: skip
    assert "starts with `prozvon serve`" in wrong["database"]
    assert "nothing listens" in wrong["ami"]
    assert "line `ami`" in wrong["fastagi"]


async def test_a_node_that_accepts_and_says_nothing_does_not_hang_it(settings: Settings) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        mute = changed(settings, "asterisk", ami_port=port, http_port=port)
        wrong = failures(await examine(mute))
    assert "nothing answers" in wrong["ari"]
    assert "line `ari`" in wrong["modules"] and "line `ari`" in wrong["trunk carrier"]
    assert "no ready link" in wrong["ami"]


async def test_wrong_secrets_are_told_from_a_node_that_is_down(settings: Settings) -> None:
    secret = SecretStr("wrong-secret")
    wrong = failures(
        await examine(changed(settings, "asterisk", ami_secret=secret, ari_secret=secret))
    )
    assert "asterisk.ari_secret" in wrong["ari"]
    assert "refused the AMI login" in wrong["ami"]


async def test_fastagi_at_another_place_than_the_node_looks(settings: Settings) -> None:
    wrong = failures(await examine(changed(settings, "agi", port=free_port())))
    assert set(wrong) == {"serve", "fastagi"}
    assert "agi.port" in wrong["fastagi"]


async def test_a_trunk_that_does_not_answer(settings: Settings, silent_trunk_pbx: Pbx) -> None:
    conf = silent_trunk_pbx.conf
    findings = await examine(
        changed(
            settings,
            "asterisk",
            ami_port=conf.ami_port,
            ami_secret=SecretStr(conf.ami_secret),
            http_port=conf.http_port,
            ari_secret=SecretStr(conf.ari_secret),
        )
    )
    assert "does not answer OPTIONS" in failures(findings)["trunk carrier"]


@pytest.fixture
def silent_trunk_pbx(
    asterisk_runtime: AsteriskRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pbx]:
    """A PBX of this test alone, whose trunk leads to a port where nobody is."""
    trunk = TrunkConf("carrier", "127.0.0.1", free_port(), qualify_s=1)
    root = tmp_path_factory.mktemp("silent-trunk")
    with running_pbx(pbx_conf(asterisk_runtime, root, (trunk,))) as pbx:
        yield pbx


async def test_a_trunk_that_is_unknown_or_missing(settings: Settings) -> None:
    unknown = TrunkSettings(name="other", host="127.0.0.1")
    findings = await examine(settings.model_copy(update={"trunks": (unknown,)}))
    (trunk,) = [finding for finding in findings if finding.check == "trunk other"]
    assert not trunk.ok and "no endpoint trunk-other" in trunk.text
    findings = await examine(settings.model_copy(update={"trunks": ()}))
    (trunk,) = [finding for finding in findings if finding.check == "trunk"]
    assert not trunk.ok and "[[trunks]]" in trunk.text


async def test_missing_migrations(settings: Settings, empty_database: str) -> None:
    wrong = failures(await examine(changed(settings, "database", url=SecretStr(empty_database))))
    assert set(wrong) == {"serve", "database"}
    assert "0001_spine.sql" in wrong["database"] and "prozvon migrate" in wrong["database"]


async def test_a_journal_elsewhere(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    wrong = failures(await examine(changed(settings, "asterisk", cel_journal=path)))
    assert set(wrong) == {"serve", "cel journal"}
    assert "is not there" in wrong["cel journal"]
    wrong = failures(await examine(changed(settings, "asterisk", cel_journal=None)))
    assert "asterisk.cel_journal" in wrong["cel journal"]


async def test_recordings_without_room_or_rights(settings: Settings, tmp_path: Path) -> None:
    wrong = failures(await examine(changed(settings, "recording", min_free_mb=1 << 40)))
    assert "MB free" in wrong["recordings"]
    (tmp_path / "file").touch()
    below = changed(settings, "recording", folder=tmp_path / "file" / "below")
    assert "cannot be written" in failures(await examine(below))["recordings"]


async def test_outside_numbers_that_cannot_be_called(settings: Settings) -> None:
    assert settings.database.url is not None
    pool = await open_pool(settings.database.url.get_secret_value(), min_size=1)
    await pool.execute("insert into floor (name, time_zone) values ('main', 'Europe/Moscow')")
    await pool.execute(
        "insert into operator (floor_id, login, full_name, phone_ha1, phone_number) "
        "select id, 'anna', 'Anna', repeat('0', 32), '+79031234567' from floor"
    )
    await pool.close()
    wrong = failures(await examine(settings))["outside phones"]
    assert "outside_numbers" in wrong and "anna" in wrong and "1234567" not in wrong
    allowed = changed(settings, "phones", outside_numbers=("+7903*",))
    assert "outside phones" not in failures(await examine(allowed))
    abroad = TrunkSettings(name="carrier", host="127.0.0.1", routes=(RouteSettings(prefix="+44"),))
    wrong = failures(await examine(allowed.model_copy(update={"trunks": (abroad,)})))[
        "outside phones"
    ]
    assert "no trunk has a route" in wrong


async def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = changed(settings, "agi", port=taken.getsockname()[1])
        wrong = failures(await examine(busy))
    assert "agi.port" in wrong["ports"]


async def test_rtp_ports_for_every_line(settings: Settings) -> None:
    few = changed(settings, "asterisk", embedded=True, rtp_first=26000, rtp_last=26099)
    assert "asterisk.rtp_last" in failures(await examine(few))["ports"]
