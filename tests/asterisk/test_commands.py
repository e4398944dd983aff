"""Commands beside a running floor: in both languages, and with no trunks in their settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialer.calls import Conversing
from dialer.cli import invoke
from tests.asterisk.test_by_hand import running, shown
from tests.asterisk.test_managers_morning import write_settings
from tests.fixtures_floor import FloorApp, number


class Commands:
    """Commands beside a running floor, one language after the other."""

    def __init__(self, floor: FloorApp, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self.settings = capsys, write_settings(floor, folder)

    async def said(self, language: str, *command: str, code: int = 0) -> str:
        words = ["--config", str(self.settings), "--lang", language, *command]
        self._capsys.readouterr()
        assert await asyncio.to_thread(invoke, words) == code, command
        said = self._capsys.readouterr()
        return said.err if code else said.out

    async def both(self, *command: str, en: str, ru: str) -> None:
        for language, told in (("en", en), ("ru", ru)):
            said = await self.said(language, *command)
            for one in told.split("|"):
                assert one in said, (command, one, said)


@pytest.fixture
def commands(
    floor_app: FloorApp, tmp_path: Path, capsys: pytest.CaptureFixture[str], separate: None
) -> Commands:
    return Commands(floor_app, tmp_path, capsys)


async def test_a_conversation_with_a_supervisor(floor_app: FloorApp, commands: Commands) -> None:
    await commands.both("supervisor", "list", en="Nobody listens.", ru="Никто не слушает.")
    await commands.both("operator", "parked", en="Nobody waits.", ru="Никто не ждёт.")
    await floor_app.sign_in("t1")
    await floor_app.hire("t2")
    await floor_app.pool.execute("update operator set role = 'supervisor' where login = 't2'")
    phone = number("1101")
    await floor_app.campaign(phone)
    await floor_app.stage(phone, Conversing)

    await commands.both("operator", "call", "t1", en="t1: talking", ru="t1: разговор")
    listen = ("supervisor", "listen", "t1", "--phone", "t2")
    await commands.both(*listen, en="t2: listen on the line of t1", ru="t2: слушает, линия t1")
    whisper = await commands.said("ru", "supervisor", "whisper", "t1", "--phone", "t2")
    assert "t2: подсказывает оператору, линия t1" in whisper
    table = {"en": "supervisor|operator|whisper", "ru": "супервизор|оператор|подсказывает"}
    await commands.both("supervisor", "list", **table)
    assert "линия t1 оставлена" in await commands.said("ru", "supervisor", "stop", "--phone", "t2")

    assert "на удержании" in await commands.said("ru", "operator", "hold", "t1")
    await commands.both("operator", "call", "t1", en="t1: hold, held", ru="удержание, на удержании")
    await commands.said("en", "operator", "resume", "t1")
    paused = await commands.said("ru", "operator", "pause", "t1", "lunch")
    assert "t1: разговор, затем перерыв:lunch" in paused
    assert "смена закрывается" in await commands.said("ru", "operator", "sign-out", "t1")


async def test_a_card_and_a_dial_by_hand(floor_app: FloorApp, commands: Commands) -> None:
    await floor_app.sign_in("t1")
    phone = number("1101")
    campaign = await running(floor_app, phone, mode="preview")
    assert await shown(floor_app, phone) == "t1"
    english = "time zone|approaches|0 of 4|then skip|Nobody has called this lead yet."
    russian = "часовой пояс|подходов|0 из 4|затем пропуск|Этому лиду ещё не звонили."
    await commands.both("operator", "card", "t1", en=english, ru=russian)
    assert "лид пропущен" in await commands.said("ru", "operator", "skip", "t1", "--reason", "busy")
    wrong = await commands.said("ru", "operator", "dial", "t1", "--campaign", campaign, code=1)
    assert "укажите либо --number, либо --lead" in wrong


async def test_trunks_and_recordings(floor_app: FloorApp, commands: Commands) -> None:
    trunk = floor_app.app.board.trunks["carrier"]
    await floor_app.until(lambda: trunk.link.contact == "reachable", "the carrier answers")
    english, russian = "up |reachable |none ", "работает |отвечает |не нужна "
    await commands.both("trunk", "status", "carrier", en=english, ru=russian)
    english, russian = "0 conversations are recorded", "Записывается разговоров: 0"
    await commands.both("recording", "status", en=english, ru=russian)
    await commands.both("recording", "list", en="No recordings.", ru="Записей нет.")


async def test_settings_without_trunks_mean_those_of_what_runs(
    floor_app: FloorApp, commands: Commands, tmp_path: Path
) -> None:
    settings = commands.settings.read_text()
    commands.settings.write_text(settings[: settings.index("[[trunks]]")])
    base = tmp_path / "base.csv"
    base.write_text("phone\n+79161234567\n")
    await commands.said("en", "list", "import", str(base), "--name", "base")
    several = sorted(floor_app.app.board.trunks)
    create = ("campaign", "create", "spring", "--list", "base")
    which = await commands.said("en", *create, code=1)
    assert "name trunks: --trunk " in which and all(name in which for name in several)
    unknown = await commands.said("ru", *create, "--trunk", "mts", code=1)
    assert "нет транка 'mts'; есть: " in unknown and all(name in unknown for name in several)

    for name in several[1:]:
        del floor_app.app.board.trunks[name]
    [only] = floor_app.app.board.trunks
    brief = ("--set", "brief.client=own", "--set", "brief.payment=in_house")
    await commands.said("en", *create, *brief)
    await commands.said("en", "campaign", "approve", "spring")
    said = await commands.said("en", "campaign", "start", "spring")
    assert "running" in said
    assert only in await commands.said("en", "campaign", "status", "spring")
