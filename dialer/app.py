"""Composition root: the only place where parts meet. Start, run, drain, stop.

Whatever is missing at the start (database, Asterisk, a port) is said in a sentence and tried again
until it is there; `/readyz` shows the same sentences.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import aiohttp
import asyncpg
import structlog
from aiohttp import web

from agi.answered import Answered, ping
from agi.server import AgiError, AgiServer, Route
from campaigns.by_hand.http import by_hand_routes
from campaigns.by_hand.service import ByHandService
from campaigns.operators.service import OperatorService
from campaigns.pacing.http import Parts as PacingParts
from campaigns.pacing.http import routes as pacing_routes
from campaigns.pacing.jobs import Simulations
from campaigns.pacing.measured import MeasuredPlans
from campaigns.pacing.service import PacingService
from campaigns.refusals import Sentence
from campaigns.rules.preparer import Preparer
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, AmiState
from dialer.asterisk.cel import JOURNAL_FILE, CelJournal
from dialer.asterisk.conf import ConfError, render_pbx
from dialer.asterisk.packages import PackagesError, find_or_fetch
from dialer.asterisk.phones import PhonesError
from dialer.asterisk.server import AsteriskError, AsteriskServer, InstanceLayout
from dialer.attempts import Attempts
from dialer.best_hours import learn_best_hours
from dialer.board import Board
from dialer.by_hand import ByHand
from dialer.config import Settings
from dialer.controller import Controller
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import DatabaseError, open_pool
from dialer.features import Features
from dialer.feed import Feed
from dialer.handover import Handover
from dialer.health import Health
from dialer.holds import FINDING_OUT
from dialer.http.server import HttpServer
from dialer.http.talk import talk_routes
from dialer.http.trunks import trunk_routes
from dialer.journal import CONNECTION_ERRORS, Journal
from dialer.lease import Lease, new_holder
from dialer.line_time import LineTime
from dialer.node import (
    ami_settings,
    pbx_conf,
    phone_legs,
    phone_provisioner,
    routes_of,
    trunk_of,
)
from dialer.notify import Notifier
from dialer.pacing_keep import PacingKeeper
from dialer.recovery import Recovery
from dialer.refusal import not_up
from dialer.replay.outcomes import write_outcomes
from dialer.replay.recorder import Sink
from dialer.replay.taps import tap
from dialer.seating import Seating
from dialer.store import SQL, LeaseHeld, Store
from dialer.talk.parts import TalkParts, talk_parts
from dialer.talk.service import Talks
from dialer.tasks import Tasks
from dialer.telemetry import Telemetry
from dialer.trunks import TrunkView, trunk_views
from monitoring import metrics
from monitoring.gauges.service import Gauges

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEGS_LIMIT_S = 3.0
RETRY_S = 2.0
KEEP_S = 1.0


class App:
    """One Prozvon process: one floor on one node."""

    def __init__(self, settings: Settings, *, keep_servers: bool = False) -> None:
        """`keep_servers`: embedded PostgreSQL and Asterisk go on running after the end."""
        self.settings = settings
        self._keep_servers = keep_servers
        self.health = Health()
        self.stopping = asyncio.Event()
        self.started = asyncio.Event()
        self.health.checks["floor"] = lambda: "" if self.started.is_set() else "starting"
        self.postgres: EmbeddedPostgres | None = None
        self.asterisk: AsteriskServer | None = None
        self.http_port = 0
        self.features = Features(settings)
        self._simulations = Simulations()
        self._notifier = Notifier()
        self.recorder: Sink | None = None
        self.on_lag: Callable[[float], None] = lambda seconds: None
        self.clock: Callable[[], float] = time.time
        token = settings.secret(settings.http.token, "api_token")
        self.talk: TalkParts | None = None
        self._http = HttpServer(
            self.health, token, self._collect, self._routes(), self.features.open_paths
        )

    def _routes(self) -> list[web.AbstractRouteDef]:
        by_hand = by_hand_routes(lambda: self.by_hand if self.started.is_set() else None)
        return [
            *pacing_routes(self._pacing),
            *trunk_routes(self._trunks),
            *self.features.routes(),
            *talk_routes(self._talks),
            *by_hand,
        ]

    def _talks(self) -> Talks | None:
        return self.talk.talks if self.started.is_set() and self.talk else None

    def _pacing(self) -> PacingParts:
        """For requests, which may come before the floor is up."""
        if not self.started.is_set():
            raise not_up()
        return PacingParts(
            PacingService(self.pool, self.board.floor_id),
            MeasuredPlans(self.pool, self.board.floor_id),
            self._simulations,
            sum(trunk.lines for trunk in self.settings.trunks),
            self.settings.floor.time_zone,
        )

    # --- the life of the process

    async def run(self) -> None:
        """Runs until `stopping` is set, then drains. Raises when a part dies."""
        async with contextlib.AsyncExitStack() as stack:
            await self._start_http(stack)
            await self._start_database(stack)
            await self._start_asterisk(stack)
            await self._enter_floor(stack)
            stack.push_async_callback(self._simulations.close)
            async with self._tasks() as tasks:
                await self._run_floor(tasks)

    @contextlib.asynccontextmanager
    async def _tasks(self) -> AsyncIterator[Tasks]:
        async with asyncio.TaskGroup() as group:
            tasks = Tasks(group)
            yield tasks
            await tasks.end()

    async def _run_floor(self, tasks: Tasks) -> None:
        self._compose(tasks)
        await self.recovery.restore()
        await self._keep_trying("agi", self.agi.start, AgiError, OSError)
        tasks.start("journal", self.journal.run())
        tasks.command("systemd", self._notifier.watchdog(), OSError)
        tasks.start("ami", self.ami.run())
        tasks.start("campaigns", self.feed.watch())
        tasks.start("best_hours", learn_best_hours(self.preparer.hours))
        tasks.start("pacing", self.controller.pace())
        tasks.start("pacing_keeper", self.pacing_keeper.run())
        tasks.start("lease", self.lease.keep())
        tasks.start("loop_lag", self._watch_loop())
        tasks.start("gauges", Gauges(self.dsn, self.board.floor_id).watch())
        tasks.start("housekeeping", self._housekeeping())
        await self.features.start(tasks, self.dsn)
        if self.postgres is not None or self.asterisk is not None:
            tasks.start("embedded_servers", self._keep_embedded())
        self._http.desk = self.desk
        self.started.set()
        self._notifier.ready(f"floor {self.settings.floor.name}")
        log.info("started", floor=self.settings.floor.name, http_port=self.http_port)
        await self.stopping.wait()
        await self._drain()

    async def _drain(self) -> None:
        """No new calls, conversations finish (bounded), everything is written."""
        limit = self.settings.floor.drain_limit_s
        if self.recorder is not None:
            self.recorder.note("stop", {})
        self._notifier.stopping(f"attempts to finish: {len(self.board.attempts)}")
        log.info("draining", attempts=len(self.board.attempts), limit_s=limit)
        if not await self.controller.drain(limit):
            await self.controller.hang_up_all(5)
        for seat in tuple(self.board.seats.values()):
            self.seating.leave_now(seat)
        await self._legs_gone()
        self.pacing_keeper.keep(self.board.campaigns.values())
        self.by_hand.close()
        for campaign in self.board.campaigns.values():
            campaign.running = False
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self.feed.release_buffers()
        if not await self.journal.flushed(20):
            log.error("journal_not_flushed", entries=len(self.journal))
        if self.recorder is not None:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await write_outcomes(self.pool, self.board, self.recorder)
        self.telemetry.line_time_up_to_now()
        self.seating.close()
        self.attempts.close()
        await self.agi.close(1)
        await self.ami.close()
        with contextlib.suppress(*CONNECTION_ERRORS):
            await self.store.release_lease()
        log.info("stopped")

    async def _legs_gone(self) -> None:
        """The end of operators' own legs belongs to the record too."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEGS_LIMIT_S):
                while self.seating.closing and self.ami.state is AmiState.READY:
                    await asyncio.sleep(0.02)

    # --- parts

    def _compose(self, tasks: Tasks) -> None:
        settings, clock = self.settings, self.clock
        self.ami = AmiClient(
            ami_settings(settings),
            on_event=self._node_event,
            on_up=lambda: self._link_up(tasks),
            on_down=self._link_down,
        )
        self.ami.clock = clock
        self.journal = Journal(self.pool)
        self.journal.check = self.lease.check
        line_time = self.line_time = LineTime(self.board, clock())
        self.seating = Seating(
            self.board, self.store, self.journal, self.ami, tasks, line_time, clock,
            legs=phone_legs(settings, self.board, clock),
        )  # fmt: skip
        self.handover = Handover(self.board, self.seating, clock)
        self.attempts = Attempts(
            self.board, self.store, self.journal, self.ami, tasks,
            self.seating, self.handover, line_time, clock,
        )  # fmt: skip
        self.controller = Controller(
            self.board, self.store, self.journal, self.ami, tasks,
            self.seating, self.handover, self.attempts, clock,
            recordings_dir=settings.recordings_dir,
            min_free_bytes=settings.recording.min_free_mb << 20,
        )  # fmt: skip
        self.pacing_keeper = PacingKeeper(self.board, self.store, self.journal, clock)
        self.telemetry = Telemetry(
            self.board, line_time, self.ami, self.journal, self.pool, clock,
            recordings_dir=settings.recordings_dir,
            min_free_bytes=settings.recording.min_free_mb << 20,
        )  # fmt: skip
        self.store.rules_clock = clock
        self.preparer = Preparer(self.pool, self.board.floor_id, lambda: self.store.rules_clock())
        self.feed = Feed(self.board, self.store, self.pacing_keeper, self.preparer, clock)
        self.feed.on_change = self.controller.wake
        self.recovery = Recovery(self.controller, self._cel_journal(), self.lease.known_until)
        self.talk = talk_parts(self.controller, line_time, settings)
        self.recovery.recall = self.talk.recall
        self.controller.on_unsure = lambda: self._find_out(tasks)
        self.features.compose(self.controller, self.pool, clock)
        self.desk = self.features.desk
        self.by_hand = ByHand(
            self.controller,
            ByHandService(self.pool, self.store),
            settings.dialing.prefixes,
            settings.floor.phone_region,
        )
        self.features.compose_phones(self.controller, self.talk.floor)
        self.staff = OperatorService(self.pool, self.board.floor_id)
        limit, waiting = settings.floor.answer_limit_s, settings.floor.waiting_sound
        routes: dict[str, Route] = {
            "answered": Answered(self.handover, limit, waiting, self.board.waiting_sound).serve,
            "ping": ping,
            **self.features.agi_routes(),
        }
        self.agi = AgiServer(settings.agi.host, settings.agi.port, routes)
        self.agi.on_end = metrics.agi_ended
        if self.recorder is not None:
            tap(self, self.recorder)
        self.health.checks |= {
            "asterisk": self._ami_problem,
            "database": self._database_problem,
        }

    def _node_event(self, event: ev.Event) -> None:
        metrics.manager_event()
        self.recovery.on_event(event)

    def _link_up(self, tasks: Tasks) -> None:
        self._find_out(tasks)
        tasks.command("trunks", self.controller.trunk_watch.ask(), AmiError)
        tasks.command("provision", self._provision(), PhonesError, AmiError, *CONNECTION_ERRORS)

    def _find_out(self, tasks: Tasks) -> None:
        """What is live on the node, and what ended meanwhile; until then nothing is dialed."""
        self.recovery.link_up()
        tasks.start("reconcile", self._reconcile())

    async def _reconcile(self) -> None:
        """Again until it is done, or the link is lost (then the next link begins it)."""
        while self.ami.state is AmiState.READY and not self.board.recovered:
            try:
                await self.recovery.reconcile()
                await self.features.reconciled()
            except (AmiError, OSError, ev.MalformedEvent, *CONNECTION_ERRORS) as error:
                log.error("reconcile_failed", error=repr(error), retry_s=RETRY_S)
                await asyncio.sleep(RETRY_S)

    async def _provision(self) -> None:
        """Every operator has a phone on this node, nobody else: the node may be new."""
        async with aiohttp.ClientSession() as session:
            phones = phone_provisioner(self.settings, session, self.ami)
            done = await self.staff.provision_missing(phones)
        if done.added or done.removed:
            log.info("phones_provisioned", added=done.added, removed=done.removed)

    def _link_down(self, reason: str) -> None:
        self.recovery.link_down()
        if not self.stopping.is_set():
            log.error("asterisk_link_lost", reason=reason)
        self.controller.wake()

    def _ami_problem(self) -> str:
        if self.ami.state is not AmiState.READY:
            return _in_english(self.controller.holds.ami_trouble())
        return "" if self.board.recovered else self.recovery.problem or FINDING_OUT.en

    def _database_problem(self) -> str:
        return _in_english(self.controller.holds.database_trouble())

    def _cel_journal(self) -> CelJournal | None:
        path = self.settings.asterisk.cel_journal
        if path is None and self.asterisk is not None:
            path = self.asterisk.layout.log / "cel-custom" / JOURNAL_FILE
        return CelJournal(path) if path is not None else None

    # --- starting

    async def _keep_trying(
        self, name: str, start: Callable[[], Awaitable[T]], *errors: type[Exception]
    ) -> T:
        """Tries until it works; the reason it does not is in /readyz and, when new, in the log."""
        said = ""
        while True:
            try:
                result = await start()
            except errors as error:
                if str(error) != said:
                    said = str(error)
                    log.error("cannot_start", part=name, problem=said, retry_s=RETRY_S)
                self.health.set(name, said)
                if await self._stopped_within(RETRY_S):
                    raise
            else:
                self.health.clear(name)
                return result

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return self.stopping.is_set()

    async def _start_http(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self.settings.http

        async def start() -> int:
            try:
                return await self._http.start(settings.host, settings.port)
            except OSError as error:
                raise OSError(
                    f"HTTP cannot listen on {settings.host}:{settings.port} ({error.strerror}); "
                    "stop what uses that port, or set http.port"
                ) from error

        self.http_port = await self._keep_trying("http", start, OSError)
        stack.push_async_callback(self._http.close)

    async def _start_database(self, stack: contextlib.AsyncExitStack) -> None:
        self.dsn = await self._keep_trying("database", self._find_database, DatabaseError, OSError)
        if self.postgres is not None and not self._keep_servers:
            stack.push_async_callback(self.postgres.stop)
        self.pool = await self._keep_trying("database", self._open_pool, DatabaseError, OSError)
        stack.push_async_callback(self._close_pool)

    async def _find_database(self) -> str:
        url = self.settings.database.url
        if url is not None:
            return url.get_secret_value()
        self.postgres = self.postgres or EmbeddedPostgres(self.settings.data_dir / "postgres")
        return await self.postgres.start()

    async def _open_pool(self) -> asyncpg.Pool:
        await migrate(self.dsn)
        return await open_pool(
            self.dsn, max_size=self.settings.database.pool_size, application_name="prozvon"
        )

    async def _close_pool(self) -> None:
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except (TimeoutError, *CONNECTION_ERRORS):
            self.pool.terminate()

    async def _start_asterisk(self, stack: contextlib.AsyncExitStack) -> None:
        self.settings.recordings_dir.mkdir(parents=True, exist_ok=True)
        if not self.settings.asterisk.embedded:
            return
        runtime = await asyncio.to_thread(
            find_or_fetch, self.settings.cache_dir / "asterisk", lambda text: log.info(text)
        )
        layout = InstanceLayout("pbx", self.settings.data_dir / "pbx")
        conf = pbx_conf(self.settings, runtime_layout=layout, runtime=runtime)
        server = self.asterisk = AsteriskServer(runtime, layout)

        async def start() -> None:
            render_pbx(conf)
            await server.start()

        await self._keep_trying("asterisk_server", start, AsteriskError, ConfError, PackagesError)
        if not self._keep_servers:
            stack.push_async_callback(server.stop)

    async def _enter_floor(self, stack: contextlib.AsyncExitStack) -> None:
        """Rows of floor, node and trunks, and the lease."""
        settings = self.settings
        floor_id = await self.pool.fetchval(
            SQL["ensure_floor"], settings.floor.name, settings.floor.time_zone
        )
        node_id = await self.pool.fetchval(SQL["ensure_node"], settings.asterisk.node)
        await self.pool.execute(SQL["ensure_dispositions"], floor_id)
        self.board = Board(floor_id, node_id)
        for trunk in settings.trunks:
            trunk_id = await self.pool.fetchval(
                SQL["ensure_trunk"], node_id, trunk.name, trunk.lines, trunk.calls_per_second
            )
            self.board.trunks[trunk.name] = trunk_of(trunk, trunk_id)
        self.board.routes = routes_of(settings)
        self.store = Store(self.pool, floor_id, node_id)
        self.lease = Lease(self.store, new_holder())
        await self._keep_trying("lease", self.lease.take, LeaseHeld, *CONNECTION_ERRORS)

    # --- background

    async def _watch_loop(self) -> None:
        loop, pause = asyncio.get_running_loop(), 0.1 if self.recorder is None else 0.02
        while True:
            before = loop.time()
            await asyncio.sleep(pause)
            late = max(0.0, loop.time() - before - pause)
            metrics.loop_lag(late)
            self.on_lag(late)

    async def _housekeeping(self) -> None:
        while True:
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self.store.forget_decisions()
                await self.features.housekeeping()
            await asyncio.sleep(3600)

    async def _keep_embedded(self) -> None:
        """Embedded servers that die are started again."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                if self.postgres is not None and await self.postgres.ensure_running():
                    log.error("postgres_restarted")
                if self.asterisk is not None and not self.asterisk.alive():
                    log.error("asterisk_restarted")
                    await self.asterisk.start()
            except (AsteriskError, DatabaseError, OSError) as error:
                log.error("embedded_server_down", problem=str(error))

    def _trunks(self) -> list[TrunkView]:
        if not self.started.is_set():
            raise not_up()
        return trunk_views(self.board, self.clock())

    # --- metrics

    def _collect(self) -> Iterator[None]:
        """Called for every scrape; between the steps others may work."""
        if self.started.is_set():
            yield from self.telemetry.collect(self.agi.sessions)
            self.features.collect()


def _in_english(trouble: Sentence | None) -> str:
    return "" if trouble is None else trouble.en
