"""The command line: one JSON document, exit codes, logs; against a real database and HTTP."""

import asyncio
import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from dialer import logs
from dialer.cli import explain
from dialer.commands.database import embedded_server
from dialer.config import ConfigError, load
from dialer.database.pool import DatabaseError
from dialer.health import Health
from dialer.http.server import HttpServer
from tests.fixtures_cli import TRUNK, Prozvon, write_settings

pytestmark = pytest.mark.usefixtures("separate")

PROJECT = Path(__file__).parents[2]


# --- errors and exit codes ---------------------------------------------------------------------


def test_wrong_usage_is_exit_code_2(prozvon: Prozvon) -> None:
    for wrong in (["dance"], ["campaign", "create"], ["demo", "--contacts", "0"], ["operator"]):
        code, data = prozvon(*wrong)
        assert (code, data["error"]["id"]) == (2, "usage")
    code, out, err = prozvon.text("dance")
    assert (code, out) == (2, "") and "dance" in err


def test_help_names_every_command(prozvon: Prozvon) -> None:
    code, out, _ = prozvon.text("--help")
    assert code == 0
    for name in ("serve", "demo", "doctor", "migrate", "operator", "list", "campaign", "report"):
        assert name in out


def test_bad_settings_are_an_error_that_names_the_key(prozvon: Prozvon, tmp_path: Path) -> None:
    (tmp_path / "prozvon.toml").write_text("[http]\nprot = 1\n")
    code, data = prozvon("operator", "list")
    assert (code, data["error"]["id"]) == (1, "bad_settings")
    assert "http.prot" in data["error"]["message"]
    code, out, err = prozvon.text("operator", "list")
    assert (code, out) == (1, "") and err.startswith("prozvon: http.prot")
    code, data = prozvon("--config", "none.toml", "migrate")
    assert "none.toml" in data["error"]["message"]


def test_no_database_is_a_sentence(prozvon: Prozvon) -> None:
    code, data = prozvon("campaign", "status")
    assert (code, data["error"]["id"]) == (1, "database_unreachable")
    assert "Check the database URL" in data["error"]["message"]


def test_a_command_for_the_desk_without_serve_says_how_to_start_it(prozvon: Prozvon) -> None:
    code, data = prozvon("operator", "sign-in", "anna")
    assert (code, data["error"]["id"]) == (1, "not_running")
    assert "prozvon serve" in data["error"]["message"]


def test_errors_in_groups_and_unforeseen_ones(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("more", [DatabaseError("gone")])])
    assert explain(group) == ("database_unreachable", "gone")
    assert explain(ConfigError("key"))[0] == "bad_settings"
    logs.set_up("warning")
    id, text = explain(ZeroDivisionError("x"))
    assert id == "internal" and "ZeroDivisionError" in text
    assert "unforeseen_error" in capsys.readouterr().err


# --- the way of a list -------------------------------------------------------------------------


async def test_from_an_empty_database_to_a_running_campaign(
    with_database: Prozvon, tmp_path: Path
) -> None:
    prozvon = with_database
    file = tmp_path / "base.csv"
    file.write_text("phone,name\n+79161234567,Ann\n+79161234568,Bob\nnonsense,Bad\n")
    imported = await prozvon.done("list", "import", str(file))
    assert (imported["list"], imported["accepted"], imported["rejected"]) == ("base", 2, 1)
    assert Path(imported["rejects_file"]).exists()
    (shown,) = await prozvon.done("list", "show")
    assert (shown["name"], shown["contacts"]) == ("base", 2)
    assert await prozvon.done("list", "list") == [shown]

    created = await prozvon.done("campaign", "create", "spring", "--list", "base")
    assert (created["leads"], created["trunk"], created["status"]) == (2, "carrier", "draft")
    assert await prozvon.refused("campaign", "start", "spring") == "not_approved"
    brief = ("brief.client=own", "brief.payment=in_house", "goals.conversations=5")
    edited = await prozvon.done("campaign", "edit", "spring", *brief, "--version", "1")
    assert (edited["version"], edited["changes"]["goals.conversations"]) == (2, [None, 5])
    code, error = await prozvon.later("--lang", "ru", "campaign", "edit", "spring", "recording=?")
    assert code == 1 and "нужно true или false" in error["error"]["message"]
    stale = ("campaign", "edit", "spring", "recording=true", "--version", "1")
    assert await prozvon.refused(*stale) == "edit_conflict"
    assert (await prozvon.done("campaign", "diff", "spring", "1"))["brief.client"] == [None, "own"]
    assert len(await prozvon.done("campaign", "versions", "spring")) == 2
    assert (await prozvon.done("campaign", "show", "spring"))["lists"] == ["base"]
    assert (await prozvon.done("campaign", "approve", "spring"))["status"] == "approved"
    assert await prozvon.done("campaign", "start", "spring") == {
        "name": "spring",
        "status": "running",
    }
    assert await prozvon.refused("campaign", "start", "spring") == "wrong_state"
    assert (await prozvon.done("campaign", "pause", "spring"))["status"] == "paused"
    assert (await prozvon.done("campaign", "resume", "spring"))["status"] == "running"
    assert (await prozvon.done("campaign", "finish", "spring"))["status"] == "finished"
    assert (await prozvon.done("campaign", "reopen", "spring"))["status"] == "paused"
    assert (await prozvon.done("campaign", "clone", "spring", "may"))["leads"] == 2
    assert (await prozvon.done("campaign", "archive", "may"))["status"] == "archived"
    exported = await prozvon.done("campaign", "export", "spring", "-o", "june.toml")
    text = (tmp_path / "june.toml").read_text().replace('"spring"', '"june"')
    (tmp_path / "june.toml").write_text(text)
    assert (await prozvon.done("campaign", "create", "june.toml"))["leads"] == 2
    assert (await prozvon.done("campaign", "export", "june"))["text"] == text
    assert exported["text"].replace('"spring"', '"june"') == text
    (tmp_path / "june.toml").write_text(text.replace("conversations = 5", "conversations = 0"))
    again = ("campaign", "edit", "june", "--file", "june.toml")
    code, error = await prozvon.later(*again)
    line = text[: text.index("conversations = 5")].count("\n") + 1
    assert code == 1 and f"june.toml, line {line}, column 1: goals" in error["error"]["message"]
    (tmp_path / "june.toml").write_text(
        text + '[[script.steps]]\ncode = "a"\ntext = "{attribute.x}"\n'
    )
    code, error = await prozvon.later(*again)
    assert code == 1 and "no column 'x'" in error["error"]["message"] and "line" in str(error)
    assert (await prozvon.done("campaign", "results", "export", "june", "june.xlsx"))["rows"] == 0
    assert (tmp_path / "june.xlsx").exists()
    (state,) = await prozvon.done("campaign", "status", "spring")
    assert state["leads"]["new"] == 2
    why = await prozvon.done("why", "spring")
    assert state["effective"] and state["effective"] == why["rules"]["effective"]
    for language, titles in (("en", "what counts"), ("ru", "что действует")):
        for command in (("campaign", "status", "spring"), ("why", "spring")):
            code, out, _ = await asyncio.to_thread(prozvon.text, "--lang", language, *command)
            assert code == 0 and titles in out and "hours.workday" in out
    made = await prozvon.done("report", "outcomes", "--campaign", "june")
    assert (made["by"], made["filters"]) == ("campaign", {"campaign": ["june"]})


async def test_what_is_refused_has_a_stable_id(with_database: Prozvon, tmp_path: Path) -> None:
    prozvon = with_database
    (tmp_path / "empty.csv").write_text("")
    for id, *arguments in (
        ("unreadable_file", "list", "import", "none.csv"),
        ("empty_file", "list", "import", "empty.csv"),
        ("unknown_list", "campaign", "create", "spring", "--list", "none"),
        ("bad_value", "campaign", "create", "spring", "--list", "a", "--ring-timeout", "1"),
        ("unknown_trunk", "campaign", "create", "spring", "--list", "a", "--trunk", "none"),
        ("unknown_campaign", "campaign", "start", "spring"),
        ("unknown_campaign", "campaign", "status", "spring"),
        ("unknown_operator", "operator", "remove", "anna"),
        ("bad_value", "operator", "add", "An na", "--name", "A"),
        ("bad_period", "report", "operators", "--from", "soon"),
        ("bad_period", "report", "outcomes", "--from", "2026-02-02", "--to", "2026-02-01"),
        ("unknown_report", "report", "outcome"),
        ("unknown_operator", "report", "productivity", "--operator", "nobody"),
        ("unknown_zone", "report", "productivity", "--tz", "Europe/Moskow"),
        ("bad_by", "report", "reach", "--by", "day"),
        ("bad_format", "report", "reach", "--out", "reach.doc"),
    ):
        if id == "unknown_trunk":
            (tmp_path / "a.csv").write_text("phone\n+79161234567\n")
            await prozvon.done("list", "import", "a.csv")
        assert await prozvon.refused(*arguments) == id


async def test_a_dry_run_stores_nothing(with_database: Prozvon, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text("phone\n+79161234567\n")
    arguments = ("list", "import", "base.csv", "--dry-run", "--name", "spring base")
    result = await with_database.done(*arguments)
    assert (result["list"], result["accepted"], result["list_id"]) == ("spring base", 1, None)
    assert await with_database.done("list", "show") == []


async def test_an_operator_is_added_also_while_the_node_is_down(with_database: Prozvon) -> None:
    prozvon = with_database
    added = await prozvon.done("operator", "add", "anna", "--name", "Анна", "--skill", "tax")
    assert added["phone"]["username"] == "op-anna" and added["phone"]["password"]
    assert added["phone"]["port"] == 15060
    assert added["provisioned"] is False
    assert "when `prozvon serve` starts" in added["note"]
    assert await prozvon.refused("operator", "add", "anna", "--name", "A") == "operator_exists"
    (member,) = await prozvon.done("operator", "list")
    assert (member["login"], member["full_name"], member["skills"]) == ("anna", "Анна", ["tax"])
    (row,) = (await prozvon.done("report", "operators"))["tables"]["work"]["rows"]
    assert (row["operator"], row["dials"], row["line_s"]) == ("anna", 0, 0)
    removed = await prozvon.done("operator", "remove", "anna")
    assert (removed["removed"], removed["phone_removed"]) == (True, False)


async def test_tables_for_people_show_names_as_they_are(with_database: Prozvon) -> None:
    await with_database.done("operator", "add", "anna", "--name", "[red]Анна[/]")
    code, out, _ = await asyncio.to_thread(with_database.text, "operator", "list")
    assert code == 0 and "[red]Анна[/]" in out
    code, out, _ = await asyncio.to_thread(with_database.text, "campaign", "status")
    assert code == 0 and "No campaigns yet" in out
    for language, told in (("en", "No lists yet"), ("ru", "Баз пока нет")):
        code, out, _ = await asyncio.to_thread(
            with_database.text, "--lang", language, "list", "show"
        )
        assert code == 0 and told in out


async def test_several_trunks_must_be_named(with_database: Prozvon, tmp_path: Path) -> None:
    file = tmp_path / "prozvon.toml"
    text = file.read_text()
    file.write_text(text + TRUNK.replace("carrier", "second"))
    create = ("campaign", "create", "spring", "--list", "none")
    assert await with_database.refused(*create) == "which_trunk"
    assert await with_database.refused(*create, "--trunk", "second") == "unknown_list"
    file.write_text(text.removesuffix(TRUNK))
    assert await with_database.refused(*create) == "no_trunk"


# --- the embedded database ---------------------------------------------------------------------


def test_an_embedded_server_is_borrowed(prozvon: Prozvon, tmp_path: Path) -> None:
    # Under var/: PostgreSQL's system user could not pass into tmp_path.
    data = PROJECT / "var" / f"test-cli-{os.getpid()}"
    file = write_settings(tmp_path, prozvon.http_port)
    file.write_text(file.read_text().replace(f"{tmp_path}/data", str(data)))
    server = embedded_server(load())
    try:
        code, first = prozvon("migrate")
        assert (code, first["newest"]) == (0, len(first["applied"]))
        assert server.pid is None, "started for the command, stopped after it"
        asyncio.run(server.start())
        code, second = prozvon("migrate")
        assert (code, second["applied"]) == (0, [])
        assert server.pid is not None, "it ran before, it runs on"
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(data)


# --- a running serve ---------------------------------------------------------------------------


async def test_answers_of_the_desk_come_through(prozvon: Prozvon) -> None:
    token = load().secret(None, "api_token")
    for given, id in ((token, "starting"), ("another", "unauthorized")):
        server = HttpServer(Health(), given, tuple)
        await server.start("127.0.0.1", prozvon.http_port)
        try:
            assert await prozvon.refused("operator", "ready", "anna") == id
        finally:
            await server.close()


async def test_something_else_on_the_port_is_told_apart(prozvon: Prozvon) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(shout, "127.0.0.1", prozvon.http_port):
        assert await prozvon.refused("operator", "ready", "anna") == "not_prozvon"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_serve_waits_for_the_database_and_stops_when_told(
    prozvon: Prozvon, number: signal.Signals
) -> None:
    async with serving() as process:
        await until_it_listens(prozvon.http_port)
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, err.decode()
    assert json.loads(out)["stopped"] is True
    assert "Check the database URL" in json.loads(out)["problem"]
    assert b"cannot_start" in err


async def test_a_closed_terminal_counts_as_ctrl_c(prozvon: Prozvon) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *SERVE,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        await until_it_listens(prozvon.http_port)
        os.close(ours)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


# Tests that are run under nohup would hand on that SIGHUP is ignored.
HEARS = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
SERVE = (sys.executable, "-c", f"{HEARS}from dialer.cli import main; main()", "serve")


class serving:
    """`prozvon serve --json` as a process of its own."""

    async def __aenter__(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *(*SERVE, "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return self._process

    async def __aexit__(self, *exc: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def until_it_listens(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError(f"nothing listens on {port} after 30 s")
