"""Is everything there that dialing needs? Each finding is a sentence; a bad one says what to do.

Works beside a running `serve`, and with nothing running at all. Nothing is changed but for one
silent ping call inside the node (context prozvon-ping), which proves FastAGI and the CEL journal.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from datetime import datetime
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

import asyncpg

from campaigns.hours.calendar import Calendar, doubt
from campaigns.refusals import Sentence, joined
from campaigns.rules.affected import calendars_in_use
from campaigns.rules.effective import doubts
from dialer.asterisk.server import hostname_resolves
from dialer.commands.database import embedded_server
from dialer.commands.desk import api_url
from dialer.commands.node import listens
from dialer.config import Settings
from dialer.database.migrate import pending
from dialer.database.pool import DatabaseError, Pool, connect, describe
from dialer.doctor_clock import check_clock
from dialer.doctor_install import check_installation
from dialer.doctor_node import Node
from dialer.doctor_phones import check_outside_phones
from dialer.findings import (
    REQUEST_TIMEOUT_S,
    Finding,
    Trouble,
    finding,
    found,
    http_session,
    read_json,
)


async def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which to put things right. Takes some seconds, never hangs."""
    machine, node = Machine(settings), Node(settings)
    findings = [
        await finding("host name", machine.host_name),
        await finding("database", machine.database),
        await finding("system clock", machine.clock),
        await finding("calendars", machine.calendars),
        await finding("recordings", machine.recordings),
        await finding("ports", machine.ports),
        await finding("serve", machine.serve),
        await finding("installation", partial(check_installation, settings)),
        await finding("outside phones", machine.outside_phones),
    ]
    async with node.ari():
        findings.append(await finding("ari", node.check_ari))
        findings.append(await finding("modules", node.check_modules))
        findings += [
            await finding(f"trunk {trunk.name}", partial(node.check_trunk, trunk.name))
            for trunk in settings.trunks
        ]
    if not settings.trunks:
        none = Sentence(
            "the settings have no trunk, so nothing can be dialed; add one under [[trunks]]",
            "в настройках нет транка, звонить некуда; добавьте его в [[trunks]]",
        )
        findings.append(found("trunk", False, none))
    return findings + await node.over_ami()


class Machine:
    """What is looked at without Asterisk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def host_name(self) -> Sentence:
        if not await hostname_resolves():
            raise Trouble(
                f"this machine's own name {socket.gethostname()} has no address, which stalls "
                "Asterisk for 10 s at a time; add it to /etc/hosts",
                f"у имени этой машины {socket.gethostname()} нет адреса, из-за чего Asterisk "
                "замирает на 10 с; добавьте его в /etc/hosts",
            )
        return Sentence(
            f"{socket.gethostname()} has an address", f"у {socket.gethostname()} есть адрес"
        )

    async def database(self) -> Sentence:
        dsn = self._dsn()
        connection = await connect(dsn, statement_timeout_s=5, application_name="prozvon doctor")
        try:
            missing = await pending(connection)
        finally:
            await connection.close(timeout=REQUEST_TIMEOUT_S)
        if missing:
            names = ", ".join(migration.file for migration in missing)
            raise Trouble(
                f"migrations are missing ({names}); run: prozvon migrate",
                f"не применены миграции ({names}); выполните: prozvon migrate",
            )
        return Sentence(
            f"{describe(dsn)}, all migrations applied", f"{describe(dsn)}, все миграции применены"
        )

    async def clock(self) -> Sentence:
        try:
            connection = await connect(
                self._dsn(), statement_timeout_s=5, application_name="prozvon doctor"
            )
        except (Trouble, DatabaseError, OSError):
            return await check_clock(None)
        try:
            return await check_clock(connection)
        finally:
            await connection.close(timeout=REQUEST_TIMEOUT_S)

    async def outside_phones(self) -> Sentence:
        not_looked_at = Sentence(
            "not looked at: it needs the line `database` to be ok",
            "не проверялись: сначала наладьте строку «база данных»",
        )
        try:
            dsn = self._dsn()
            connection = await connect(
                dsn, statement_timeout_s=5, application_name="prozvon doctor"
            )
        except (Trouble, DatabaseError, OSError):
            return not_looked_at
        try:
            if await pending(connection):
                return not_looked_at
            return await check_outside_phones(self._settings, connection)
        finally:
            await connection.close(timeout=REQUEST_TIMEOUT_S)

    async def calendars(self) -> Sentence:
        """A year that nobody is sure of narrows calling hours, or misses a day off."""
        try:
            used = await self._calendars()
        except (Trouble, DatabaseError, OSError, asyncpg.PostgresError):
            return Sentence(
                "not looked at; see the line `database`",
                "не проверялись; см. строку «база данных»",
            )
        today = datetime.now(ZoneInfo(self._settings.floor.time_zone)).date()
        if doubtful := [told for one in used if (told := doubt(one, today.year))]:
            now = joined(doubtful)
            raise Trouble(now.en, now.ru)
        soon = [told for calendar in used for told in doubts(calendar, today)]
        names = ", ".join(calendar.name for calendar in used)
        known = Sentence(
            f"those of campaigns ({names or 'none'}) know {today.year}",
            f"у кампаний ({names or 'ни одного'}) есть {today.year} год",
        )
        return joined((known, *soon))

    async def _calendars(self) -> list[Calendar]:
        connection = await connect(self._dsn(), statement_timeout_s=5, application_name="doctor")
        try:
            return await calendars_in_use(cast(Pool, connection), self._settings.floor.name)
        finally:
            await connection.close(timeout=REQUEST_TIMEOUT_S)

    def _dsn(self) -> str:
        url = self._settings.database.url
        if url is not None:
            return url.get_secret_value()
        server = embedded_server(self._settings)
        if server.pid is None:
            raise Trouble(
                f"the embedded PostgreSQL in {server.data_dir} does not run; it starts with "
                "`prozvon serve`",
                f"встроенный PostgreSQL в {server.data_dir} не работает; его запускает "
                "`prozvon serve`",
            )
        return server.dsn()

    async def recordings(self) -> Sentence:
        folder = self._settings.recordings_dir
        wanted_mb = self._settings.recording.min_free_mb
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"prozvon")
            free_mb = shutil.disk_usage(folder).free >> 20
        except OSError as error:
            raise Trouble(
                f"{folder} cannot be written ({error.strerror}); correct its owner and rights, or "
                "set recording.folder",
                f"в {folder} нельзя писать ({error.strerror}); исправьте владельца и права или "
                "задайте recording.folder",
            ) from None
        if free_mb < wanted_mb:
            raise Trouble(
                f"{folder} has {free_mb} MB free, and recording needs {wanted_mb}; remove old "
                "recordings, or set recording.folder or recording.min_free_mb",
                f"в {folder} свободно {free_mb} МБ, а для записи нужно {wanted_mb}; удалите "
                "старые записи или задайте recording.folder или recording.min_free_mb",
            )
        return Sentence(
            f"{folder} can be written, {free_mb} MB free",
            f"в {folder} можно писать, свободно {free_mb} МБ",
        )

    async def ports(self) -> Sentence:
        settings = self._settings
        serving = await listens(settings.http.host, settings.http.port)
        own = [("http.port", settings.http.host, settings.http.port)]
        own += [("agi.port", settings.agi.host, settings.agi.port)]
        for key, host, port in own:
            if not serving:
                _check_free(key, host, port)
            elif not await listens(host, port):
                raise Trouble(
                    f"nobody listens on {host}:{port} ({key}); see the line `serve`",
                    f"на {host}:{port} ({key}) никто не слушает; см. строку «serve»",
                )
        self._check_rtp()
        if serving:
            return Sentence("those of `serve` are in use by it", "порты `serve` заняты им самим")
        return Sentence("those of `serve` are free", "порты `serve` свободны")

    def _check_rtp(self) -> None:
        asterisk = self._settings.asterisk
        pairs = (asterisk.rtp_last - asterisk.rtp_first + 1) // 2
        legs = 2 * sum(trunk.lines for trunk in self._settings.trunks)
        if asterisk.embedded and pairs < legs:
            raise Trouble(
                f"the RTP ports {asterisk.rtp_first} to {asterisk.rtp_last} carry {pairs} legs, "
                f"and the trunks' lines with their operators can need {legs}; raise "
                "asterisk.rtp_last",
                f"портов RTP с {asterisk.rtp_first} по {asterisk.rtp_last} хватит на {pairs} "
                f"каналов, а линиям транков с операторами может понадобиться {legs}; увеличьте "
                "asterisk.rtp_last",
            )

    async def serve(self) -> Sentence:
        settings, url = self._settings, api_url(self._settings)
        if not await listens(settings.http.host, settings.http.port):
            raise Trouble(
                f"it does not run (nothing listens at {url}); start it: prozvon serve",
                f"не работает (по адресу {url} никто не слушает); запустите: prozvon serve",
            )
        async with http_session() as http:
            async with http.get(f"{url}/readyz") as response:
                body = await read_json(response)
            token = settings.secret(settings.http.token, "api_token")
            async with http.get(f"{url}/api/dispositions", headers=_bearer(token)) as response:
                status = response.status
        _check_ready(url, body)
        if status == 401:
            raise Trouble(
                f"{url} has another token than these settings; commands for operators will be "
                "refused. Use the same data_dir or http.token",
                f"у {url} другой токен, чем в этих настройках; команды для операторов будут "
                "отклонены. Нужен тот же data_dir или http.token",
            )
        return Sentence(f"it runs at {url} and is ready", f"работает по адресу {url}, готов")


def _check_free(key: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Trouble(
                f"{host}:{port} cannot be used ({error.strerror}); stop what uses it, or set {key}",
                f"{host}:{port} занять нельзя ({error.strerror}); остановите то, что его занимает, "
                f"или задайте {key}",
            ) from None


def _check_ready(url: str, body: object) -> None:
    if not isinstance(body, dict) or "dependencies" not in body:
        raise Trouble(
            f"what answers at {url} is not Prozvon; check http.port",
            f"по адресу {url} отвечает не Prozvon; проверьте http.port",
        )
    dependencies = body["dependencies"]
    bad = [f"{name}: {text}" for name, text in dependencies.items() if text != "ok"]
    if not bad and not dependencies.keys() >= {"database", "asterisk"}:
        raise Trouble(
            f"it is starting at {url}; ask again in a moment, or look into its log",
            f"запускается по адресу {url}; спросите чуть позже или посмотрите его журнал",
        )
    if bad:
        raise Trouble(
            f"it runs but is not ready: {'; '.join(bad)}",
            f"работает, но не готов: {'; '.join(bad)}",
        )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
