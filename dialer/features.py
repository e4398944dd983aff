"""What a floor does beside dialing: recordings, supervisors. Their parts, routes and tasks.

Composed by `dialer.app`, once the floor is entered; the routes are there before and say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from dialer.config import Settings
from dialer.controller import Controller
from dialer.database.pool import Pool
from dialer.recording import LiveRecordings
from dialer.refusal import Refusal
from dialer.tasks import Tasks
from monitoring.recordings.http import RecordingRoutes
from monitoring.recordings.service import Finisher, RecordingService
from monitoring.supervision.http import SupervisionRoutes
from monitoring.supervision.service import Supervision


class Features:
    """All parts are there after `compose`; the routes answer after `start`."""

    recordings: RecordingService
    live_recordings: LiveRecordings
    supervision: Supervision

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = False

    def routes(self) -> list[web.AbstractRouteDef]:
        recordings = RecordingRoutes(
            lambda: self._part("recordings"),
            lambda: self._part("live_recordings"),
            self._settings.recording.keep_days,
        )
        supervision = SupervisionRoutes(lambda: self._part("supervision"))
        return [*recordings.routes(), *supervision.routes()]

    def _part(self, name: str) -> Any:
        if not self._started:
            raise Refusal("starting", 503, "the floor is not up yet; see /readyz")
        return getattr(self, name)

    def compose(self, controller: Controller, pool: Pool, clock: Callable[[], float]) -> None:
        board, journal, ami = controller.board, controller.journal, controller.ami
        recording, folder = self._settings.recording, self._settings.recordings_dir
        self._pool = pool
        self.live_recordings = LiveRecordings(
            board, journal, ami, clock, folder, recording.stop_free_mb << 20
        )
        self.recordings = RecordingService(pool, board.floor_id)
        self.finisher = Finisher(pool, board.floor_id, recording.format)
        self.supervision = Supervision(board, journal, ami, controller.tasks, pool, clock)
        controller.watchers.append(self.supervision.on_event)

    async def start(self, tasks: Tasks) -> None:
        await self.live_recordings.restore(self._pool)
        tasks.start("recording_disk", self.live_recordings.watch_disk())
        tasks.start("recordings", self.finisher.run())
        self._started = True

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
