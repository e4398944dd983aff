"""Prozvon added to an Asterisk that already serves an office, used there, and taken out again."""

from __future__ import annotations

import asyncio
import json
import shlex
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from dialer import cli
from dialer.asterisk.cel import JOURNAL_FILE
from dialer.asterisk.conf import PbxConf, opus_module, pbx_texts, required_modules
from dialer.asterisk.install import FOLDER
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.phones import PhoneKind
from dialer.asterisk.server import AsteriskServer
from dialer.config import Settings, load
from dialer.demo.carrier import Phone
from tests.fixtures_asterisk import pbx_conf
from tests.fixtures_floor import (
    PASSWORD,
    FloorApp,
    Telephony,
    number,
    running_app,
    simulated_carrier,
)
from tests.ports import free_port

GENERIC = (
    "asterisk.conf", "ccss.conf", "cdr.conf", "features.conf", "http.conf", "indications.conf",
    "logger.conf", "pjproject.conf", "rtp.conf", "stasis.conf", "udptl.conf",
    "websocket_client.conf",
)  # fmt: skip

EXTENSIONS = """; The office's own.
[general]
static = yes
[office]
exten => 100,1,Answer()
 same => n,Set(DB(office/called)=$[0${DB(office/called)}+1])
 same => n,Hangup()
"""
MANAGER = "[general]\nenabled=yes\nport={ami}\nbindaddr=127.0.0.1\n[boss]\nsecret=b\nread=all"
CEL = "[general]\nenable=yes\nevents=CHAN_START\n"
CEL_CUSTOM = (
    "[mappings]\noffice.csv => ${CSV_QUOTE(${eventtype})},${CSV_QUOTE(${CHANNEL(exten)})}\n"
)
PJSIP = """[office-udp]
type=transport
protocol=udp
bind=127.0.0.1:{sip}
[101](!)
type=endpoint
[102](101)
context=office
"""


@dataclass
class Office:
    """A running Asterisk with an office's configuration, and Prozvon's settings for it."""

    conf: PbxConf
    server: AsteriskServer
    config: Path

    @property
    def etc(self) -> Path:
        return self.conf.layout.etc

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.etc)): path.read_bytes()
            for path in sorted(self.etc.rglob("*"))
            if path.is_file()
        }

    def prozvon(self, *words: str) -> int:
        command = shlex.join(self.conf.runtime.command)
        flags = ["--asterisk", command, "--json"]
        return cli.invoke(["--config", str(self.config), "asterisk", "install", *words, *flags])

    async def restart(self) -> None:
        await self.server.stop()
        await self.server.start()

    async def own_calls(self) -> int:
        """Places one call in the office's dialplan; how many there were."""
        before = await self._called()
        await self.server.cli("channel originate Local/100@office application Wait 1")
        async with asyncio.timeout(10):
            while (now := await self._called()) == before:
                await asyncio.sleep(0.05)
        return now

    async def _called(self) -> int:
        told = await self.server.cli("database get office called")
        return int(told.split("Value:")[1].split()[0]) if "Value:" in told else 0


def write_office(conf: PbxConf) -> None:
    """Files as an administrator has them: some endings without a line break, some files missing."""
    conf.layout.create()
    texts = {name: text for name, text in pbx_texts(conf, foreign=False).items() if name in GENERIC}
    texts["extensions.conf"] = EXTENSIONS
    texts["manager.conf"] = MANAGER.format(ami=conf.ami_port)
    texts["cel.conf"], texts["cel_custom.conf"] = CEL, CEL_CUSTOM
    texts["pjsip.conf"] = PJSIP.format(sip=conf.sip_port)
    texts["ari.conf"] = "[general]\nenabled = yes"
    texts["musiconhold.conf"] = "[default]\nmode=files\ndirectory=/nowhere\n"
    modules = [*required_modules(conf.runtime), "res_clioriginate"]
    texts["modules.conf"] = "[modules]\nautoload=no\n" + "".join(f"load={m}.so\n" for m in modules)
    for name, text in texts.items():
        (conf.layout.etc / name).write_text(text)


def write_settings(conf: PbxConf, root: Path, carrier_port: int) -> Path:
    file = root / "prozvon.toml"
    file.write_text(
        f"""data_dir = "{root}/data"
[asterisk]
embedded = false
config_dir = "{conf.layout.etc}"
sip_port = {conf.sip_port}
ami_port = {conf.ami_port}
http_port = {conf.http_port}
cel_journal = "{conf.layout.log}/cel-custom/{JOURNAL_FILE}"
[agi]
port = {conf.agi_port}
[http]
port = {free_port()}
[floor]
drain_limit_s = 5
[[trunks]]
name = "carrier"
host = "127.0.0.1"
port = {carrier_port}
qualify_s = 1
"""
    )
    return file


@asynccontextmanager
async def office_with_carrier(
    runtime: AsteriskRuntime, root: Path
) -> AsyncIterator[tuple[Office, Telephony]]:
    carrier = simulated_carrier(runtime, root / "carrier")
    conf = pbx_conf(runtime, root / "office")
    write_office(conf)
    (conf.layout.log / "cel-custom").mkdir()
    server = AsteriskServer(runtime, conf.layout)
    office = Office(conf, server, write_settings(conf, root, carrier.conf.sip_port))
    await asyncio.gather(carrier.start(), server.start())
    try:
        yield office, Telephony(conf, server, carrier, 0)
    finally:
        await asyncio.gather(server.kill(), carrier.server.kill())


def settings_with(office: Office, database: str) -> Settings:
    settings = load(office.config)
    dsn = settings.database.model_copy(update={"url": SecretStr(database)})
    return settings.model_copy(update={"database": dsn})


async def one_conversation(floor: FloorApp, telephony: Telephony) -> None:
    await floor.hire("t1")
    await floor.app._provision()
    registrar = f"127.0.0.1:{telephony.conf.sip_port}"
    await telephony.carrier.set_phones([Phone("t1", PASSWORD, registrar)])
    async with asyncio.timeout(20):
        while "op-t1/sip:" not in await telephony.pbx.cli("pjsip show contacts"):
            await asyncio.sleep(0.1)
    await floor.sign_in("t1")
    phone = number("0001")
    await floor.campaign(phone)
    row = await floor.outcome(phone)
    assert (row["outcome"], row["ended_by"]) == ("answered", "person")
    assert row["bridged_at"] is not None
    assert await floor.truth() == []


async def test_added_to_an_office_used_and_taken_out_again(
    asterisk_runtime: AsteriskRuntime,
    database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with office_with_carrier(asterisk_runtime, tmp_path) as (office, telephony):
        before = office.files()
        modes = {path: path.stat().st_mode for path in office.etc.iterdir()}
        assert await office.own_calls() == 1
        capsys.readouterr()
        assert office.prozvon("--check") == 1
        told = json.loads(capsys.readouterr().out)
        assert told["problems"] == []
        assert {Path(c["path"]).name for c in told["changes"]} >= {
            "extensions.conf",
            "sorcery.conf",
        }
        assert office.files() == before

        assert office.prozvon("--apply") == 0
        after = office.files()
        assert office.prozvon("--check") == 0
        assert office.prozvon("--apply") == 0
        assert office.files() == after
        for name, text in before.items():  # theirs stands as it was, before our block
            assert after[name].startswith(text)
        capsys.readouterr()

        await office.restart()
        assert await office.own_calls() == 2
        async with running_app(telephony, settings_with(office, database)) as floor:
            await one_conversation(floor, telephony)
            assert await office.own_calls() == 3
        csv = (office.conf.layout.log / "cel-custom/office.csv").read_text()
        assert '"CHAN_START","100"' in csv

        assert office.prozvon("--remove") == 0
        assert office.files() == before
        assert {path: path.stat().st_mode for path in office.etc.iterdir()} == modes
        assert office.prozvon("--remove") == 0
        await office.restart()
        assert await office.own_calls() == 4
        told = await office.server.cli("dialplan show prozvon-answered")
        assert "There is no existence" in told


async def answers_by_https(office: Office, port: int) -> bool:
    """Whether the office's web server speaks TLS with the certificate that Prozvon brought."""
    context = ssl.create_default_context(cafile=office.etc / FOLDER / "certificate.pem")
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except OSError:
        return False
    writer.close()
    return True


async def one_encrypted_conversation(floor: FloorApp, telephony: Telephony, port: int) -> None:
    """An operator whose phone comes by TLS, over the transport that was added."""
    await floor.hire("t1")
    ha1 = await floor.app.staff.set_phone_kind("t1", PhoneKind.SIP_TLS, "olga")
    await floor.app.features.node_phones.add("t1", ha1=ha1, kind=PhoneKind.SIP_TLS)
    await telephony.carrier.set_phones([Phone("t1", PASSWORD, f"127.0.0.1:{port}", tls=True)])
    await floor.app.desk.sign_in("t1")
    await floor.state("t1", "ready", timeout_s=25)
    leg = floor.seat("t1").channel
    for kind in ("pjsip", "rtp"):
        assert await floor.app.ami.get_variable(leg, f"CHANNEL({kind},secure)") == "1"
    phone = number("0001")
    await floor.campaign(phone)
    assert (await floor.outcome(phone))["outcome"] == "answered"


async def test_phones_by_tls_and_browsers_in_an_office_without_encryption(
    asterisk_runtime: AsteriskRuntime,
    database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Given an office without TLS, websockets and HTTPS, when Prozvon's settings want them, then
    --check says what its administrator must open, --apply adds transports, a phone talks encrypted,
    and --remove leaves nothing."""
    sip, browser = free_port(), free_port()
    async with office_with_carrier(asterisk_runtime, tmp_path) as (office, telephony):
        with office.config.open("a") as file:
            file.write(f"[phones]\ntls = true\ntls_port = {sip}\nbrowser = true\n")
            file.write(f"browser_port = {browser}\n")
        capsys.readouterr()
        assert office.prozvon("--check") == 1
        problems = json.loads(capsys.readouterr().out)["problems"]
        assert [p["id"] for p in problems] == ["not_loaded", "https_off"]
        assert "res_srtp" in problems[0]["text"] and f"0.0.0.0:{browser}" in problems[1]["text"]
        asked = ("res_srtp", "res_pjsip_transport_websocket", "res_format_attr_opus")
        modules = [*asked, *filter(None, [opus_module(office.conf.runtime)])]
        own = office.etc / FOLDER
        lines = {
            "modules.conf": "".join(f"load={name}.so\n" for name in modules),
            "http.conf": f"\ntlsenable = yes\ntlsbindaddr = 127.0.0.1:{browser}\n"
            f"tlscertfile = {own}/certificate.pem\ntlsprivatekey = {own}/key.pem\n",
        }
        for name, text in lines.items():
            path = office.etc / name
            path.write_text(path.read_text() + text)
        before = office.files()

        assert office.prozvon("--apply") == 0
        assert office.prozvon("--check") == 0
        capsys.readouterr()
        await office.restart()
        assert await office.own_calls() == 1
        transports = await office.server.cli("pjsip show transports")
        assert all(name in transports for name in ("office-udp", "prozvon-tls", "prozvon-ws"))
        assert await answers_by_https(office, browser)
        async with running_app(telephony, settings_with(office, database)) as floor:
            await one_encrypted_conversation(floor, telephony, sip)

        assert office.prozvon("--remove") == 0
        assert office.files() == before
