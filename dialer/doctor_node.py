"""What the doctor asks of Asterisk, with the rights that the controller has and no more."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from agi.answered import ping
from agi.server import AgiServer
from campaigns.refusals import Sentence
from dialer.asterisk.ami import AmiClient, AmiError, AmiRefused
from dialer.asterisk.cel import JOURNAL_FILE, CelJournal
from dialer.asterisk.conf import ASTERISK_CONF, MODULES, REQUIRED_PROMPTS, missing_prompts
from dialer.asterisk.events import Event, UserEvent
from dialer.asterisk.server import InstanceLayout
from dialer.commands.node import ami_link, listens
from dialer.config import Settings
from dialer.doctor_clock import MOST_SKEW_S
from dialer.findings import Check, Finding, Trouble, finding, found, http_session, read_json
from dialer.node import ari_url

PONG_TIMEOUT_S = 7.0
JOURNAL_TIMEOUT_S = 3.0
FIRST_QUALIFY_S = 3.0
VERSIONS = range(20, 24)

NEEDED_ACTIONS = frozenset(
    {"CoreShowChannels", "DBGetTree", "Getvar", "Hangup", "Originate", "Ping", "Redirect", "Setvar"}
)
TOO_MUCH = frozenset({"Command", "ModuleLoad", "UpdateConfig"})
"""With these a client may run programs on the node; the controller needs none of them."""

_CONTEXT = re.compile(r"^\[(prozvon-[a-z-]+)\]", re.MULTILINE)
_PROMPT = re.compile(rf"(/[^,()$]*)/(?:{'|'.join(REQUIRED_PROMPTS)})(?![a-z-])")
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class Node:
    """What is asked of Asterisk, over ARI and AMI."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: aiohttp.ClientSession
        self._pong: asyncio.Future[UserEvent]
        self._ami: AmiClient
        self._ari_answers = True
        self._ping_id = f"doctor-{uuid.uuid4()}"
        self._pinged_at = 0.0
        self._ahead_s: float | None = None

    # --- ARI

    @contextlib.asynccontextmanager
    async def ari(self) -> AsyncIterator[None]:
        asterisk = self._settings.asterisk
        password = self._settings.secret(asterisk.ari_secret, "ari")
        header = aiohttp.encode_basic_auth(asterisk.ari_username, password, "utf-8")
        async with http_session({"Authorization": header}) as self._http:
            yield

    async def check_ari(self) -> Sentence:
        status, info = await self._ari("GET", "/asterisk/info?only=system")
        version = str(info.get("system", {}).get("version", "")) if isinstance(info, dict) else ""
        major = version.partition(".")[0]
        if status != 200 or not major.isdigit() or int(major) not in VERSIONS:
            raise Trouble(
                f"Asterisk {version or '?'} answers ({status}); Prozvon is made for "
                f"{VERSIONS[0]} to {VERSIONS[-1]}",
                f"отвечает Asterisk {version or '?'} ({status}); Prozvon рассчитан на версии с "
                f"{VERSIONS[0]} по {VERSIONS[-1]}",
            )
        # Nothing has this name: an allowed deletion answers 404.
        path = "/asterisk/config/dynamic/res_pjsip/endpoint/prozvon-doctor"
        status, _ = await self._ari("DELETE", path)
        if status != 404:
            raise Trouble(
                f"operators' phones cannot be provisioned ({status}); in ari.conf set "
                "read_only = no, and check sorcery.conf",
                f"телефоны операторов нельзя настроить ({status}); задайте в ari.conf "
                "read_only = no и проверьте sorcery.conf",
            )
        return Sentence(
            f"Asterisk {version}; operators' phones can be provisioned",
            f"Asterisk {version}; телефоны операторов можно настраивать",
        )

    async def check_modules(self) -> Sentence:
        status, body = await self._ari("GET", "/asterisk/modules")
        if status != 200 or not isinstance(body, list):
            raise Trouble(
                f"Asterisk does not list its modules ({status}); load res_ari_asterisk",
                f"Asterisk не называет свои модули ({status}); загрузите res_ari_asterisk",
            )
        running = {m["name"].removesuffix(".so") for m in body if m["status"] == "Running"}
        missing = sorted(set(MODULES) - running)
        if missing:
            names = ", ".join(missing)
            raise Trouble(
                f"not running: {names}; add them to modules.conf",
                f"не работают: {names}; добавьте их в modules.conf",
            )
        return Sentence(f"all {len(MODULES)} run", f"работают все {len(MODULES)}")

    async def check_trunk(self, name: str) -> Sentence:
        trunk = next(t for t in self._settings.trunks if t.name == name)
        state = await self._trunk_state(name)
        # A node that has just started has not asked the trunk yet.
        deadline = time.monotonic() + FIRST_QUALIFY_S
        while state == "offline" and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            state = await self._trunk_state(name)
        if state == "offline":
            raise Trouble(
                f"{trunk.host}:{trunk.port} does not answer OPTIONS; check the address, the "
                "firewall and the provider",
                f"{trunk.host}:{trunk.port} не отвечает на OPTIONS; проверьте адрес, межсетевой "
                "экран и провайдера",
            )
        return Sentence(
            f"endpoint trunk-{name} to {trunk.host}:{trunk.port} is {state}",
            f"endpoint trunk-{name}, связь с {trunk.host}:{trunk.port}: {state}",
        )

    async def _trunk_state(self, name: str) -> str:
        status, body = await self._ari("GET", f"/endpoints/PJSIP/trunk-{name}")
        if status != 200 or not isinstance(body, dict):
            raise Trouble(
                f"Asterisk has no endpoint trunk-{name} ({status}); restart `prozvon serve`, or "
                "add the endpoint to your pjsip.conf",
                f"в Asterisk нет endpoint trunk-{name} ({status}); перезапустите `prozvon serve` "
                "или добавьте его в свой pjsip.conf",
            )
        return str(body.get("state"))

    async def _ari(self, method: str, path: str) -> tuple[int, Any]:
        asterisk, url = self._settings.asterisk, ari_url(self._settings)
        if not self._ari_answers:
            raise Trouble(
                "not checked: it needs the line `ari` to be ok",
                "не проверялось: сначала наладьте строку «ari»",
            )
        try:
            async with self._http.request(method, f"{url}/ari{path}") as response:
                status, body = response.status, await read_json(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._ari_answers = False
            raise Trouble(
                f"nothing answers at {url} ({type(error).__name__}); start `prozvon serve`, or "
                "your Asterisk with http.conf and ari.conf of Prozvon",
                f"по адресу {url} никто не отвечает ({type(error).__name__}); запустите "
                "`prozvon serve` или свой Asterisk с http.conf и ari.conf от Prozvon",
            ) from None
        if status in (401, 403):
            self._ari_answers = False
            raise Trouble(
                f"ARI refuses the user {asterisk.ari_username!r} ({status}); compare "
                "asterisk.ari_secret with ari.conf",
                f"ARI не принимает пользователя {asterisk.ari_username!r} ({status}); сверьте "
                "asterisk.ari_secret с ari.conf",
            )
        return status, body

    # --- AMI

    async def over_ami(self) -> list[Finding]:
        """Checks that need the manager's link; without one they fail all, and say so."""
        checks: dict[str, Check] = {
            "ami rights": self._check_rights,
            "dialplan": self._check_dialplan,
            "prompts": self._check_prompts,
            "fastagi": self._check_fastagi,
            "clock": self._check_clock,
            "cel journal": self._check_journal,
        }
        for trunk in self._settings.trunks:
            if trunk.registers:
                checks[f"registration {trunk.name}"] = partial(self._check_registration, trunk.name)
        async with contextlib.AsyncExitStack() as stack:
            login = await finding("ami", lambda: self._log_in(stack))
            if not login.ok:
                text = Sentence(
                    "not checked: it needs the line `ami` to be ok",
                    "не проверялось: сначала наладьте строку «ami»",
                )
                return [login, *(found(name, False, text) for name in checks)]
            return [login, *[await finding(name, check) for name, check in checks.items()]]

    async def _log_in(self, stack: contextlib.AsyncExitStack) -> Sentence:
        asterisk = self._settings.asterisk
        where = f"{asterisk.host}:{asterisk.ami_port}"
        if not await listens(asterisk.host, asterisk.ami_port):
            raise Trouble(
                f"nothing listens at {where}; start `prozvon serve`, or your Asterisk with "
                "manager.conf of Prozvon",
                f"на {where} никто не слушает; запустите `prozvon serve` или свой Asterisk с "
                "manager.conf от Prozvon",
            )
        self._pong = asyncio.get_running_loop().create_future()
        self._ami = await stack.enter_async_context(ami_link(self._settings, self._take))
        return Sentence(
            f"{asterisk.ami_username} is logged in at {where}",
            f"{asterisk.ami_username}: вход на {where} выполнен",
        )

    async def registrations(self, trunks: list[str]) -> list[Finding]:
        """Whether these trunks are registered, over a link of its own."""
        if not trunks:
            return []
        async with contextlib.AsyncExitStack() as stack:
            login = await finding("ami", lambda: self._log_in(stack))
            if not login.ok:
                return [login]
            return [
                await finding(f"registration {name}", partial(self._check_registration, name))
                for name in trunks
            ]

    def _take(self, event: Event) -> None:
        if not isinstance(event, UserEvent) or event.name != "ProzvonPong":
            return
        if event.fields.get("Ping") == self._ping_id and not self._pong.done():
            self._pong.set_result(event)

    async def _check_rights(self) -> Sentence:
        allowed = set(await self._ami.action("ListCommands"))
        missing = sorted(NEEDED_ACTIONS - allowed)
        if missing:
            raise Trouble(
                f"the AMI user may not {', '.join(missing)}; in manager.conf give it write = "
                "call,originate,reporting",
                f"пользователю AMI не разрешено {', '.join(missing)}; дайте ему в manager.conf "
                "write = call,originate,reporting",
            )
        if too_much := sorted(TOO_MUCH & allowed):
            raise Trouble(
                f"the AMI user may {', '.join(too_much)}: who gets its secret owns the machine; "
                "in manager.conf leave it write = call,originate,reporting",
                f"пользователю AMI разрешено {', '.join(too_much)}: у кого его пароль, у того и "
                "машина; оставьте ему в manager.conf write = call,originate,reporting",
            )
        return Sentence(
            "enough to dial, and nothing that runs programs",
            "для набора хватает, запускать программы нельзя",
        )

    async def _check_registration(self, name: str) -> Sentence:
        """A node that has just started is still asking the provider."""
        deadline = time.monotonic() + FIRST_QUALIFY_S
        while True:
            items: list[Any] = []
            with contextlib.suppress(AmiRefused):  # an empty list is an error
                items = await self._ami.list_action("PJSIPShowRegistrationsOutbound")
            states = {item.get("ObjectName"): item.get("Status", "?") for item in items}
            state = states.get(f"trunk-{name}", "not configured on the node")
            if state.lower() == "registered":
                return Sentence("registered at the provider", "у провайдера выполнена")
            if time.monotonic() > deadline:
                raise Trouble(
                    f"the trunk is not registered ({state}); check username, password and host in "
                    "its [[trunks]], and whether the provider is up",
                    f"транк не зарегистрирован ({state}); проверьте username, password и host в "
                    "его [[trunks]] и работает ли провайдер",
                )
            await asyncio.sleep(0.2)

    async def _check_dialplan(self) -> Sentence:
        template = (ASTERISK_CONF / "pbx/extensions.conf.j2").read_text()
        wanted = _CONTEXT.findall(template)
        missing = [name for name in wanted if not await self._context(name)]
        if missing:
            raise Trouble(
                f"the contexts {', '.join(missing)} are not loaded; use the extensions.conf of "
                "Prozvon and reload the dialplan",
                f"контексты {', '.join(missing)} не загружены; возьмите extensions.conf от Prozvon "
                "и перечитайте диалплан",
            )
        return Sentence(
            f"all {len(wanted)} contexts are loaded", f"загружены все контексты: {len(wanted)}"
        )

    async def _context(self, name: str) -> list[Any]:
        with contextlib.suppress(AmiError):
            return await self._ami.list_action("ShowDialPlan", {"Context": name})
        return []

    async def _check_prompts(self) -> Sentence:
        """Looks where the loaded dialplan looks, which may be another copy of Prozvon."""
        if self._settings.asterisk.host not in _LOCAL:
            return Sentence(
                "the node is another machine: its prompts cannot be seen from here",
                "узел на другой машине: его фраз отсюда не видно",
            )
        steps = [*await self._context("prozvon-phone"), *await self._context("prozvon-abandoned")]
        found = {match[1] for step in steps for match in _PROMPT.finditer(step["AppData"])}
        # `<sounds>/en/...` is the fall-back in one language.
        folders = {Path(re.sub(r"/(?:en|ru)\Z", "", folder)) for folder in found}
        if not folders:
            raise Trouble(
                "the dialplan plays no prompt; use the extensions.conf of Prozvon",
                "диалплан не проигрывает ни одной фразы; возьмите extensions.conf от Prozvon",
            )
        missing = [f"{folder}/{name}" for folder in folders for name in missing_prompts(folder)]
        if missing:
            raise Trouble(
                f"no sound files for {', '.join(sorted(missing))}; people would hear nothing. Put "
                "them back from Prozvon's asterisk-conf/sounds",
                f"нет звуковых файлов {', '.join(sorted(missing))}: люди ничего не услышат. "
                "Верните их из asterisk-conf/sounds от Prozvon",
            )
        where = ", ".join(map(str, sorted(folders)))
        return Sentence(f"all are in {where}", f"все на месте, в {where}")

    async def _check_fastagi(self) -> Sentence:
        agi = self._settings.agi
        async with self._answering() as who:
            pong = await self._ping_call()
            self._ahead_s = pong.at - time.time()
        if pong.fields.get("Pong") != "pong":
            raise Trouble(
                f"Asterisk does not reach FastAGI at {agi.host}:{agi.port} "
                f"({pong.fields.get('Status')}): answered persons would hear the message only. "
                "Check agi.host, agi.port and the firewall between node and controller",
                f"Asterisk не достаёт до FastAGI на {agi.host}:{agi.port} "
                f"({pong.fields.get('Status')}): ответившие услышали бы только сообщение. "
                "Проверьте agi.host, agi.port и межсетевой экран между узлом и контроллером",
            )
        return Sentence(
            f"Asterisk reaches {agi.host}:{agi.port}, answered by {who.en}",
            f"Asterisk достаёт до {agi.host}:{agi.port}, отвечает {who.ru}",
        )

    async def _check_clock(self) -> Sentence:
        """What happened when is told by Asterisk's clock and by ours."""
        if self._ahead_s is None:
            raise Trouble(
                "not checked: the ping call gave no event",
                "не проверялось: проверочный звонок не дал события",
            )
        if abs(self._ahead_s) > MOST_SKEW_S:
            raise Trouble(
                f"Asterisk's clock is {self._ahead_s:+.1f} s from this machine's; ring and talk "
                "times would be wrong. Let both follow a time server (chrony, systemd-timesyncd)",
                f"часы Asterisk отличаются от часов этой машины на {self._ahead_s:+.1f} с; время "
                "гудков и разговоров было бы неверным. Пусть обе машины следуют серверу времени "
                "(chrony, systemd-timesyncd)",
            )
        return Sentence(
            "Asterisk's and this machine's agree", "часы Asterisk и этой машины сходятся"
        )

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[Sentence]:
        """`serve` answers; where it does not run we do, so that the way there is tried anyhow."""
        agi = self._settings.agi
        if await listens(agi.host, agi.port):
            yield Sentence("`prozvon serve`", "сам `prozvon serve`")
            return
        server = AgiServer(agi.host, agi.port, {"ping": ping})
        await server.start()
        try:
            yield Sentence(
                "the doctor, because `prozvon serve` does not run",
                "сама проверка, потому что `prozvon serve` не работает",
            )
        finally:
            await server.close(1)

    async def _ping_call(self) -> UserEvent:
        self._pinged_at = time.time()
        await self._ami.action(
            "Originate",
            {
                "Channel": "Local/s@prozvon-ping/n",
                "ChannelId": self._ping_id,
                "Application": "Wait",
                "Data": "6",
                "Timeout": "6000",
                "Async": "true",
                "Variable": [f"__PROZVON_PING={self._ping_id}"],
            },
        )
        try:
            return await asyncio.wait_for(self._pong, PONG_TIMEOUT_S)
        except TimeoutError:
            raise Trouble(
                f"the ping call gave no UserEvent in {PONG_TIMEOUT_S:g} s; check the context "
                "prozvon-ping, and in manager.conf read = system,call,user",
                f"проверочный звонок не дал UserEvent за {PONG_TIMEOUT_S:g} с; проверьте контекст "
                "prozvon-ping и в manager.conf read = system,call,user",
            ) from None

    async def _check_journal(self) -> Sentence:
        path = self._journal_path()
        if not self._pinged_at:
            raise Trouble(
                "not checked: the ping call could not be placed",
                "не проверялось: проверочный звонок не удался",
            )
        deadline = time.monotonic() + JOURNAL_TIMEOUT_S
        while not await asyncio.to_thread(self._is_journaled, path):
            if time.monotonic() > deadline:
                there = path.exists()
                why, why_ru = ("does not grow", "не растёт") if there else ("is not there", "нет")
                raise Trouble(
                    f"the journal {path} {why}: after a crash calls would be lost. Check cel.conf, "
                    "cel_custom.conf, the disk, and asterisk.cel_journal",
                    f"журнал {path}: {why_ru}; после сбоя звонки потерялись бы. Проверьте "
                    "cel.conf, cel_custom.conf, диск и asterisk.cel_journal",
                )
            await asyncio.sleep(0.1)
        return Sentence(f"{path} grows", f"{path} растёт")

    def _journal_path(self) -> Path:
        asterisk = self._settings.asterisk
        if asterisk.cel_journal is not None:
            return asterisk.cel_journal
        if not asterisk.embedded:
            raise Trouble(
                "the settings do not say where the node's CEL journal is; set asterisk.cel_journal "
                f"(usually /var/log/asterisk/cel-custom/{JOURNAL_FILE})",
                "в настройках не сказано, где журнал CEL узла; задайте asterisk.cel_journal "
                f"(обычно /var/log/asterisk/cel-custom/{JOURNAL_FILE})",
            )
        layout = InstanceLayout("pbx", self._settings.data_dir / "pbx")
        return layout.log / "cel-custom" / JOURNAL_FILE

    def _is_journaled(self, path: Path) -> bool:
        events = CelJournal(path).read(self._pinged_at - 60)
        return any(event.linked_id == self._ping_id for event in events)
