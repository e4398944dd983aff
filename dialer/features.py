"""What a floor does beside dialing: campaigns' life, desks, recordings, supervisors, phones.

Their parts, routes and tasks. Composed by `dialer.app`, once the floor is entered; the routes are
there before and say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from agi.server import Route
from campaigns.callbacks.http import routes as callback_routes
from campaigns.callbacks.service import CallbackService
from campaigns.campaign.http import CampaignsOfFloor
from campaigns.campaign.http import routes as campaign_routes
from campaigns.campaign.service import CampaignService
from campaigns.consent.http import routes as consent_routes
from campaigns.consent.service import ConsentService
from campaigns.dispositions.http import routes as script_routes
from campaigns.dispositions.service import TalkService
from campaigns.dnc.http import routes as dnc_routes
from campaigns.dnc.service import DncService
from campaigns.hours.http import routes as calendar_routes
from campaigns.hours.service import CalendarService
from campaigns.leads.http import routes as lead_routes
from campaigns.leads.service import LeadService
from campaigns.legal.http import routes as legal_routes
from campaigns.legal.service import LegalService
from campaigns.life.service import LifeService
from campaigns.lists.http import ListsOfFloor
from campaigns.lists.http import routes as list_routes
from campaigns.operators.browser import BrowserPhones
from campaigns.operators.http import routes as staff_routes
from campaigns.operators.service import OperatorService
from campaigns.person.http import routes as person_routes
from campaigns.person.service import PersonService
from campaigns.rules.affected import affected
from campaigns.rules.http import routes as why_routes
from campaigns.rules.service import RulesService
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiError
from dialer.asterisk.phones import PhonesError
from dialer.config import Settings
from dialer.controller import Controller
from dialer.database.pool import Pool
from dialer.desk import Desk
from dialer.http.phone import OPEN_PATHS, PhoneRoutes, phone_login
from dialer.journal import CONNECTION_ERRORS
from dialer.life import Life
from dialer.memory import collect_seldom
from dialer.node import NodePhonesNow, outside_rules, websocket_url
from dialer.phone_hold import PhoneHold
from dialer.recording import LiveRecordings
from dialer.refusal import not_up
from dialer.returning import Returning
from dialer.summons import Summons
from dialer.talk.floor import TalkFloor
from dialer.tasks import Tasks
from monitoring import runbooks
from monitoring.plans.http import routes as plan_routes
from monitoring.plans.service import PlanService
from monitoring.recordings.http import RecordingRoutes
from monitoring.recordings.service import Finisher, RecordingService
from monitoring.reports.http import ReportRoutes
from monitoring.reports.service import ReportService, reports_pool
from monitoring.rollups.service import Rollups
from monitoring.supervision.http import SupervisionRoutes
from monitoring.supervision.service import Supervision

T = TypeVar("T")
log = structlog.get_logger(__name__)

EXPIRE_EVERY_S = 5.0


class Features:
    """All parts are there after `compose`; the routes answer after `start`."""

    recordings: RecordingService
    live_recordings: LiveRecordings
    supervision: Supervision
    reports: ReportService
    browser_phones: BrowserPhones
    node_phones: NodePhonesNow
    returning: Returning
    talks: TalkService
    desk: Desk

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = False

    @property
    def open_paths(self) -> tuple[str, ...]:
        """Paths that look after their own logins."""
        return (*runbooks.OPEN_PATHS, *(OPEN_PATHS if self._settings.phones.browser else ()))

    def agi_routes(self) -> dict[str, Route]:
        return {"lost": self.returning.lost, "return": self.returning.back}

    def routes(self) -> list[web.AbstractRouteDef]:
        recordings = RecordingRoutes(
            lambda: self._part("recordings"),
            lambda: self._part("live_recordings"),
            self._settings.recording.keep_days,
        )
        supervision = SupervisionRoutes(lambda: self._part("supervision"))
        return [
            *recordings.routes(),
            *supervision.routes(),
            *self._phone_routes(),
            *runbooks.routes(),
            *list_routes(self._lists),
            *self._rule_routes(),
            *self._report_routes(),
            *script_routes(lambda: self._part("desk"), lambda: self._part("talks")),
        ]

    def _rule_routes(self) -> list[web.AbstractRouteDef]:
        """What may be dialed: the same services as the commands have."""

        def made(service: Callable[..., T], *more: Any) -> Callable[[], T]:
            return lambda: service(self._part("_pool"), self._part("_floor_id"), *more)

        region = self._settings.floor.phone_region
        return [
            *dnc_routes(made(DncService, region)),
            *consent_routes(made(ConsentService, region)),
            *person_routes(made(PersonService, region)),
            *callback_routes(made(CallbackService)),
            *lead_routes(made(LeadService, region)),
            *calendar_routes(made(CalendarService)),
            *legal_routes(
                made(LegalService),
                lambda name: affected(self._part("_pool"), self._part("_floor_id"), name),
            ),
            *staff_routes(made(OperatorService), outside_rules(self._settings), region),
            *plan_routes(made(PlanService)),
            *campaign_routes(self._campaigns),
            *why_routes(made(RulesService), region),
        ]

    def _report_routes(self) -> list[web.AbstractRouteDef]:
        async def owner(request: web.Request) -> str:
            return await phone_login(request, self._part("browser_phones"))

        phone = owner if self._settings.phones.browser else None
        zone = self._settings.floor.time_zone
        return ReportRoutes(lambda: self._part("reports"), zone, phone).routes()

    def _lists(self) -> ListsOfFloor:
        floor, pool, floor_id = self._settings.floor, self._part("_pool"), self._part("_floor_id")
        zone = ZoneInfo(floor.time_zone)
        return ListsOfFloor(pool, floor_id, floor.name, floor.phone_region, zone)

    def _campaigns(self) -> CampaignsOfFloor:
        settings, pool = self._settings, self._part("_pool")
        return CampaignsOfFloor(
            pool,
            self._part("_floor_id"),
            settings.asterisk.node,
            tuple(trunk.name for trunk in settings.trunks),
            ZoneInfo(settings.floor.time_zone),
        )

    def _phone_routes(self) -> list[web.AbstractRouteDef]:
        if not self._settings.phones.browser:
            return []
        return PhoneRoutes(
            lambda: self._part("browser_phones"),
            lambda: self._part("node_phones"),
            lambda: self._part("desk"),
            self._settings.cache_dir,
            websocket_url(self._settings),
        ).routes()

    def _part(self, name: str) -> Any:
        if not self._started:
            raise not_up()
        return getattr(self, name)

    def compose(self, controller: Controller, pool: Pool, clock: Callable[[], float]) -> None:
        board, journal, ami = controller.board, controller.journal, controller.ami
        recording, folder = self._settings.recording, self._settings.recordings_dir
        self._pool, self._floor_id = pool, board.floor_id
        self.live_recordings = LiveRecordings(
            board, journal, ami, controller.tasks, clock, folder, recording.stop_free_mb << 20
        )
        controller.watch(self.live_recordings.on_event, ev.UserEvent)
        self.recordings = RecordingService(pool, board.floor_id)
        self.finisher = Finisher(pool, board.floor_id, recording.format)
        self._compose_campaigns(controller, pool, clock)
        self.supervision = Supervision(board, journal, ami, controller.tasks, pool, clock)
        kinds = (ev.BridgeEntered, ev.Hangup, ev.OriginateResponse)
        controller.watch(self.supervision.on_event, *kinds)
        phones = self._settings.phones
        self.browser_phones = BrowserPhones(
            pool,
            board.floor_id,
            phones.browser_login_s,
            lambda: datetime.fromtimestamp(clock(), UTC),
        )
        self.node_phones = NodePhonesNow(self._settings, ami)
        self.returning = Returning(controller, phones.return_limit_s)

    def _compose_campaigns(
        self, controller: Controller, pool: Pool, clock: Callable[[], float]
    ) -> None:
        """What begins and ends by itself, and what operators say and note."""
        board, zone = controller.board, ZoneInfo(self._settings.floor.time_zone)
        campaigns = CampaignService(pool, board.floor_id, self._settings.asterisk.node)
        self.life = Life(board, LifeService(pool, board.floor_id, campaigns, zone), clock)
        self.talks = TalkService(pool, board.floor_id)
        self.desk = Desk(controller, self.talks, zone)

    def compose_phones(self, controller: Controller, talks: TalkFloor) -> None:
        """Operators' phones other than nailed-up SIP ones; after all else that takes part."""
        kinds = (ev.OriginateResponse, ev.ChannelCreated, ev.ChannelState, ev.Hangup)
        controller.watch(controller.seating.legs.on_event, *kinds)
        hold = PhoneHold(controller.board)
        controller.watch(hold.on_event, ev.HoldStarted, ev.HoldEnded)
        self.summons = Summons(controller, talks)

    async def start(self, tasks: Tasks, dsn: str) -> None:
        await self.live_recordings.restore(self._pool)
        own = await reports_pool(dsn)
        self.reports = ReportService(own, self._floor_id)
        tasks.start("memory", collect_seldom())
        tasks.start("reports", _held(own))
        tasks.start("report_rollups", Rollups(dsn, self._floor_id).watch())
        tasks.start("life", self.life.watch())
        tasks.start("recording_disk", self.live_recordings.watch_disk())
        tasks.start("recordings", self.finisher.run())
        if self._settings.phones.browser:
            tasks.start("browser_phones", self._expire_browser_phones())
        self._started = True

    async def _expire_browser_phones(self) -> None:
        while True:
            try:
                await self.browser_phones.expire(self.node_phones)
            except (PhonesError, AmiError, *CONNECTION_ERRORS) as error:
                log.warning("browser_phones_not_expired", error=str(error))
            await asyncio.sleep(EXPIRE_EVERY_S)

    async def reconciled(self) -> None:
        """After recovery has told what was missed. Raises what node and database raise."""
        await self.supervision.reconcile()

    async def housekeeping(self) -> None:
        """Once an hour."""
        await self.recordings.purge(self._settings.recording.keep_days, "retention")
        await self.finisher.clear_strays(self._settings.recordings_dir)

    def collect(self) -> None:
        """Gauges, when Prometheus asks."""
        self.live_recordings.status()
        self.supervision.count()


async def _held(pool: Pool) -> None:
    """A pool that lives as long as the floor."""
    try:
        await asyncio.Event().wait()
    finally:
        pool.terminate()
