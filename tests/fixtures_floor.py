"""A whole floor for tests: PBX and carrier once a session, database and controller for each test.

`telephony` is the product's own PBX configuration, the simulated carrier, and registered operators'
phones. `floor_app` makes controllers on it. Afterwards every test's database is held against the
invariants: one outcome for every attempt, states without gaps.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from campaigns.legal.service import LegalService
from campaigns.operators.model import PhoneLogin
from dialer.app import App
from dialer.asterisk.ami import AmiClient
from dialer.asterisk.cel import JOURNAL_FILE
from dialer.asterisk.certificate import own_certificate
from dialer.asterisk.conf import PbxConf, TlsConf, TrunkConf, render_pbx
from dialer.asterisk.packages import AsteriskRuntime
from dialer.asterisk.phones import PhoneProvisioner
from dialer.asterisk.server import AsteriskServer, InstanceLayout
from dialer.calls import Attempt
from dialer.config import (
    AgiSettings,
    AsteriskSettings,
    DatabaseSettings,
    FloorSettings,
    HttpSettings,
    Settings,
    TransferSettings,
    TrunkSettings,
)
from dialer.database.pool import Pool, open_pool
from dialer.database.queries import Queries
from dialer.demo.carrier import Account, Behaviour, CarrierConf, CarrierTls, Phone, SimulatedCarrier
from dialer.demo.carrier_record import CarrierCall
from dialer.demo.rules import OPEN_PROFILE
from dialer.demo.truth import mismatches
from dialer.operators import Seat
from dialer.replay.recorder import Sink
from tests.fixtures_asterisk import pbx_conf, running
from tests.ports import free_port, rtp_block

SQL = Queries.load("dialer.demo")
FLOOR_PROFILE = {**OPEN_PROFILE, "minimum_ring_s": 0}
"""What lost its operator is hung up at once: tests need not wait for a law's minimum."""
LOGINS = tuple(f"t{number}" for number in range(1, 9))
PASSWORD = "password-of-a-test"
ACCOUNT = Account("account-1", "secret-of-the-account")
_serial = itertools.count(int(time.time()) % 100_000)


def number(tail: str) -> str:
    """A number nobody dialed before; its last four digits tell the carrier what to do."""
    return f"+79{next(_serial) % 100_000:05d}{tail}"


@dataclass
class Telephony:
    """Running PBX and carrier; the phones of LOGINS are registered."""

    conf: PbxConf
    pbx: AsteriskServer
    carrier: SimulatedCarrier
    dead_sip_port: int

    @property
    def cel_journal(self) -> Path:
        return self.conf.layout.log / "cel-custom" / JOURNAL_FILE

    async def provision(self, logins: tuple[str, ...] = LOGINS) -> None:
        """Phones on the PBX and at the carrier, registered."""
        ami = AmiClient(_ami_settings(self.conf), on_event=_ignore, on_up=_nothing, on_down=_ignore)
        task = asyncio.create_task(ami.run())
        try:
            await ami.wait_ready(10)
            async with aiohttp.ClientSession() as session:
                phones = PhoneProvisioner(
                    f"http://127.0.0.1:{self.conf.http_port}",
                    self.conf.ari_username,
                    self.conf.ari_secret,
                    session,
                    ami,
                    rtp_timeout_s=self.conf.phone_rtp_timeout_s,
                )
                for login in logins:
                    await phones.add(login, ha1=PhoneLogin(f"op-{login}", PASSWORD).ha1)
                registrar = f"127.0.0.1:{self.conf.sip_port}"
                await self.carrier.set_phones(Phone(x, PASSWORD, registrar) for x in logins)
                async with asyncio.timeout(20):
                    for login in logins:
                        while not await phones.registered(login):
                            await asyncio.sleep(0.05)
        finally:
            await ami.close()
            await task


def _ami_settings(conf: PbxConf) -> Any:
    from dialer.asterisk.ami import AmiSettings

    return AmiSettings("127.0.0.1", conf.ami_port, conf.ami_username, conf.ami_secret)


def _ignore(_: object) -> None: ...


def _nothing() -> None: ...


def simulated_carrier(runtime: AsteriskRuntime, root: Path) -> SimulatedCarrier:
    first, last = rtp_block(400)
    certificate, key = own_certificate(root / "tls", ["127.0.0.1"])
    conf = CarrierConf(
        runtime=runtime,
        layout=InstanceLayout("carrier", root),
        ami_secret="only-a-simulator",
        sip_port=free_port(),
        ami_port=free_port(),
        rtp_first_port=first,
        rtp_last_port=last,
        accounts=(ACCOUNT,),
        behaviour=Behaviour(post_dial_delay_s=0.05),
        tls=CarrierTls(free_port(), certificate, key),
    )
    return SimulatedCarrier(conf)


def _tls(root: Path) -> TlsConf:
    certificate, key = own_certificate(root / "tls", ["127.0.0.1", "localhost"])
    return TlsConf(certificate, key, free_port(), free_port())


@pytest.fixture(scope="session")
def telephony(
    asterisk_runtime: AsteriskRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Telephony]:
    carrier = simulated_carrier(asterisk_runtime, tmp_path_factory.mktemp("carrier"))
    dead = free_port()
    port, user, secure = carrier.conf.sip_port, ACCOUNT.username, carrier.conf.tls
    assert secure is not None
    trunks = (
        TrunkConf("carrier", "127.0.0.1", port, qualify_s=1),
        TrunkConf("second", "127.0.0.1", port, qualify_s=1, transport="tcp"),
        TrunkConf(
            "secure", "127.0.0.1", secure.port, qualify_s=1, transport="tls", srtp=True,
            ca=secure.certificate,
        ),
        TrunkConf("untrusted", "127.0.0.1", secure.port, qualify_s=1, transport="tls"),
        TrunkConf("dead", "127.0.0.1", dead, qualify_s=1),
        TrunkConf(
            "account", "127.0.0.1", port, username=user, password=ACCOUNT.secret, from_user=user,
            qualify_s=1, register=True,
        ),
        TrunkConf("stranger", "127.0.0.1", port, username=user, password="wrong", register=True),
    )  # fmt: skip
    conf = pbx_conf(asterisk_runtime, tmp_path_factory.mktemp("pbx"), trunks)
    conf = replace(conf, phone_rtp_timeout_s=15, browser=True, tls=_tls(conf.layout.root))
    conf.layout.create()
    render_pbx(conf)
    asyncio.run(carrier.start())
    try:
        with running(AsteriskServer(conf.runtime, conf.layout)) as pbx:
            telephony = Telephony(conf, pbx, carrier, dead)
            asyncio.run(telephony.provision())
            yield telephony
    finally:
        asyncio.run(carrier.server.kill())


def settings_for(
    telephony: Telephony,
    dsn: str,
    root: Path,
    *,
    transfers: TransferSettings | None = None,
    **asterisk: Any,
) -> Settings:
    """Settings of a controller on `telephony`; `asterisk` overrides that section's keys.

    The trunk `dead` does not answer OPTIONS, `gone` is unknown to the node.
    """
    conf = telephony.conf
    node = AsteriskSettings.model_validate(
        {
            "embedded": False,
            "sip_port": conf.sip_port,
            "ami_port": conf.ami_port,
            "ami_secret": conf.ami_secret,
            "http_port": conf.http_port,
            "ari_secret": conf.ari_secret,
            "cel_journal": telephony.cel_journal,
            **asterisk,
        }
    )
    carrier = telephony.carrier.conf.sip_port
    return Settings(
        data_dir=root,
        database=DatabaseSettings(url=SecretStr(dsn)),
        asterisk=node,
        agi=AgiSettings(port=conf.agi_port),
        http=HttpSettings(port=free_port()),
        floor=FloorSettings(name="test", drain_limit_s=5),
        transfers=transfers or TransferSettings(),
        trunks=(
            TrunkSettings(name="carrier", host="127.0.0.1", port=carrier, calls_per_second=50),
            TrunkSettings(name="dead", host="127.0.0.1", port=telephony.dead_sip_port),
            TrunkSettings(name="gone", host="127.0.0.1", port=telephony.dead_sip_port),
        ),
    )


@dataclass
class FloorApp:
    """A controller at work, and what a test wants of it."""

    app: App
    telephony: Telephony
    pool: Pool
    began_at: float
    campaigns: list[int] = field(default_factory=list)

    async def hire(self, *logins: str) -> None:
        """Operators on the staff; their phones are registered already."""
        for login in logins:
            await self.pool.execute(
                "insert into operator (floor_id, login, full_name, phone_ha1) "
                "values ($1, $2, $2, $3) on conflict do nothing",
                self.app.board.floor_id,
                login,
                PhoneLogin(f"op-{login}", PASSWORD).ha1,
            )

    async def sign_in(self, *logins: str) -> None:
        """Signed in, phones up, ready."""
        await self.hire(*logins)
        for login in logins:
            await self.app.desk.sign_in(login)
        for login in logins:
            await self.state(login, "ready", "dialing")

    async def sign_in_only(self, login: str) -> None:
        """Signed in; a card may come before anybody sees them ready."""
        await self.hire(login)
        await self.app.desk.sign_in(login)

    async def campaign(self, *numbers: str, **columns: Any) -> int:
        """A running campaign with one lead for each number, in this order."""
        values = {
            "ring_timeout_s": 8.0,
            "post_dial_delay_s": 3.0,
            "wrap_up_limit_s": 60.0,
            "trunk": "carrier",
            **columns,
        }
        board = self.app.board
        trunk_id = board.trunks[values.pop("trunk")].trunk_id
        name = f"campaign {next(_serial)}"
        status = values.pop("status", "running")
        keys = ", ".join(["floor_id", "trunk_id", "name", *values])
        places = ", ".join(f"${i}" for i in range(1, len(values) + 4))
        async with self.pool.acquire() as connection, connection.transaction():
            campaign_id: int = await connection.fetchval(
                f"insert into campaign ({keys}, status) values ({places}, '{status}') returning id",
                board.floor_id, trunk_id, name, *values.values(),
            )  # fmt: skip
            list_id = await connection.fetchval(
                "insert into list (floor_id, name) values ($1, $2) returning id",
                board.floor_id,
                name,
            )
            for order, phone in enumerate(numbers):
                await connection.execute(
                    "with c as (insert into contact (list_id) values ($1) returning id), "
                    "p as (insert into contact_phone (contact_id, list_id, position, e164) "
                    "select id, $1, 0, $2 from c) "
                    "insert into lead (campaign_id, contact_id, priority) select $3, id, $4 from c",
                    list_id, phone, campaign_id, len(numbers) - order,
                )  # fmt: skip
        self.campaigns.append(campaign_id)
        return campaign_id

    async def set_campaign(self, campaign_id: int, status: str) -> None:
        await self.pool.execute(
            "update campaign set status = $2 where id = $1", campaign_id, status
        )

    async def attempts(self, phone: str | None = None) -> list[Any]:
        """Rows of attempt in the order of dialing, of one number or of all."""
        return await self.pool.fetch(
            "select a.*, o.login as operator, d.login as dial_operator from attempt a "
            "left join operator o on o.id = a.operator_id "
            "left join operator d on d.id = a.dial_operator_id "
            "where $1::text is null or a.phone = $1 order by a.placed_at, a.id",
            phone,
        )

    async def outcome(self, phone: str, timeout_s: float = 20) -> Any:
        """The row of a number's first attempt, as soon as it has its outcome in the database."""
        async with asyncio.timeout(timeout_s):
            while True:
                rows = await self.attempts(phone)
                if rows and rows[0]["outcome"]:
                    return rows[0]
                await asyncio.sleep(0.05)

    async def lead(self, phone: str) -> Any:
        return await self.pool.fetchrow(
            "select l.* from lead l join contact_phone p on p.contact_id = l.contact_id "
            "where p.e164 = $1",
            phone,
        )

    async def decisions(self, campaign_id: int) -> list[Any]:
        return await self.pool.fetch(
            "select * from decision where campaign_id = $1 order by id", campaign_id
        )

    def seat(self, login: str) -> Seat:
        return self.app.board.seats[login]

    def live(self, phone: str) -> Attempt | None:
        """The attempt of a number that has not ended."""
        attempts = self.app.board.attempts.values()
        return next((a for a in attempts if a.lead.phone == phone), None)

    async def state(self, login: str, *states: str, timeout_s: float = 15) -> Seat:
        """Waits for the operator to be in one of `states`."""
        await self.until(
            lambda: login in self.app.board.seats and self.seat(login).state.kind in states,
            f"{login} in {states}",
            timeout_s,
        )
        return self.seat(login)

    async def stage(self, phone: str, kind: type[Attempt], timeout_s: float = 15) -> Attempt:
        """Waits for the attempt of a number to be in a state."""
        await self.until(
            lambda: isinstance(self.live(phone), kind), f"{phone} {kind.__name__}", timeout_s
        )
        attempt = self.live(phone)
        assert attempt is not None
        return attempt

    async def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 15) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                seats = {s.login: s.state.kind.value for s in self.app.board.seats.values()}
                stages = [type(a).__name__ for a in self.app.board.attempts.values()]
                raise AssertionError(f"not within {timeout_s} s: {what}; {seats}, {stages}")
            await asyncio.sleep(0.02)

    def calls(self) -> list[CarrierCall]:
        """What the carrier saw since this floor began, of this floor's numbers."""
        return self.telephony.carrier.record.calls(self.began_at)

    async def carrier_call(self, phone: str, timeout_s: float = 10) -> CarrierCall:
        """The carrier's record of a call that has ended."""
        async with asyncio.timeout(timeout_s):
            while True:
                for call in await asyncio.to_thread(self.calls):
                    if call.number == phone and call.ended_at is not None:
                        return call
                await asyncio.sleep(0.1)

    async def truth(self) -> list[str]:
        """Differences between our attempts and the carrier's calls."""
        rows = await self.attempts()
        phones = {row["phone"] for row in rows}
        calls = [c for c in await asyncio.to_thread(self.calls) if c.number in phones]
        return mismatches(rows, calls)


@asynccontextmanager
async def running_app(
    telephony: Telephony, settings: Settings, *, check: bool = True, recorder: Sink | None = None
) -> AsyncIterator[FloorApp]:
    """A controller that is up and knows the node; drained at the end, then held to invariants."""
    began_at = time.time()
    app = App(settings)
    app.recorder = recorder
    task = asyncio.create_task(app.run())
    started = asyncio.create_task(app.started.wait())
    try:
        await asyncio.wait({task, started}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        url = settings.database.url
        assert url is not None
        pool = await open_pool(url.get_secret_value(), application_name="prozvon test")
        try:
            floor = FloorApp(app, telephony, pool, began_at)
            await floor.until(lambda: app.board.recovered, "recovered")
            await LegalService(pool, app.board.floor_id).define(FLOOR_PROFILE, "tester")
            yield floor
            app.stopping.set()
            await asyncio.wait_for(task, 40)
            if check:
                await _check_invariants(floor)
        finally:
            await pool.close()
    finally:
        started.cancel()
        if not task.done():
            app.stopping.set()
            await asyncio.wait({task}, timeout=30)
            task.cancel()


async def _check_invariants(floor: FloorApp) -> None:
    ever = floor.app.board.floor_id, datetime.fromtimestamp(0, UTC)
    broken = await floor.pool.fetch(SQL["broken_shifts"], *ever)
    assert not broken, f"states of a shift leave a gap or an overlap: {broken}"
    open_attempts = [row for row in await floor.attempts() if row["outcome"] is None]
    assert not open_attempts, f"attempts without an outcome: {open_attempts}"
    assert await floor.pool.fetchval(SQL["overlapping_attempts"], *ever) == 0


@pytest.fixture
async def floor_app(telephony: Telephony, database: str, tmp_path: Path) -> AsyncIterator[FloorApp]:
    """A controller on its own database."""
    async with running_app(telephony, settings_for(telephony, database, tmp_path)) as floor:
        yield floor
