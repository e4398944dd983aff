"""Recordings while people talk: paused for card data, stopped when the disk fills.

The node records (MixMonitor on the person's channel); here is decided when it must not. A pause is
silence in the file, so that both sides keep their time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, AmiRefused
from dialer.board import Board
from dialer.calls import Conversing
from dialer.database.pool import Pool
from dialer.journal import Journal
from dialer.store import utc
from dialer.tasks import Tasks
from monitoring import metrics
from monitoring.recordings.model import RecordingError
from monitoring.recordings.service import SQL, free_bytes

log = structlog.get_logger(__name__)

LOOK_S = 1.0
PAUSED = "PROZVON_PAUSED"


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """What a floor's recording does now. `trouble` is a sentence, empty when all is well."""

    folder: str
    free_bytes: int
    recording: int
    paused: int
    stopped: int
    trouble: str


class LiveRecordings:
    """Recordings of conversations that go on."""

    def __init__(
        self,
        board: Board,
        journal: Journal,
        ami: AmiClient,
        tasks: Tasks,
        clock: Callable[[], float],
        folder: Path,
        stop_free_bytes: int,
    ) -> None:
        self._board, self._journal, self._ami, self._clock = board, journal, ami, clock
        self._tasks = tasks
        self._folder, self._stop_free_bytes = folder, stop_free_bytes
        self.free_bytes: Callable[[Path], int] = free_bytes
        self.paused: set[UUID] = set()
        self.stopped: set[UUID] = set()
        self.on_request: Callable[[str, str], None] = lambda name, login: None
        """Told of every request: `pause` or `resume`, and whose."""

    async def restore(self, pool: Pool) -> None:
        """What an earlier controller paused or stopped and the node still does not record."""
        rows = await pool.fetch(SQL.open_pauses, self._board.floor_id)
        self.paused = {row["attempt_id"] for row in rows}
        rows = await pool.fetch(SQL.stopped_now, self._board.floor_id)
        self.stopped = {row["attempt_id"] for row in rows}

    # --- card data

    async def pause(self, login: str, actor: str) -> None:
        """Nothing is recorded of the operator's conversation until `resume`.

        Raises RecordingError; when it returns, the node has stopped writing sound.
        """
        self.on_request("pause", login)
        attempt = self._recorded(login)
        if attempt.id in self.paused:
            raise RecordingError(
                "already_paused", 409, "the recording is paused already", "запись уже на паузе"
            )
        # First, so that a recording that is begun anew meanwhile is made mute as well.
        self.paused.add(attempt.id)
        try:
            await self._mute(attempt, on=True)
        except RecordingError:
            self.paused.discard(attempt.id)
            raise
        at = utc(self._clock())
        self._journal.write("pause", lambda c: c.execute(SQL.pause, attempt.id, at))
        self._note(actor, "recording_paused", attempt.id, login)

    async def resume(self, login: str, actor: str) -> None:
        """Recording goes on. Raises RecordingError."""
        self.on_request("resume", login)
        attempt = self._recorded(login)
        if attempt.id not in self.paused:
            raise RecordingError(
                "not_paused", 409, "the recording is not paused", "запись не на паузе"
            )
        at = utc(self._clock())
        self.paused.discard(attempt.id)
        try:
            await self._mute(attempt, on=False)
        except RecordingError:
            self.paused.add(attempt.id)
            raise
        self._journal.write("resume", lambda c: c.execute(SQL.resume, attempt.id, at))
        self._note(actor, "recording_resumed", attempt.id, login)

    def on_event(self, event: ev.Event) -> None:
        """A paused recording was begun anew for another phone, and waits to be made mute."""
        if isinstance(event, ev.UserEvent) and event.name == "ProzvonRecordsAgain":
            attempt = self._board.attempt_of_channel(event.fields.get("Attempt", ""))
            if attempt is not None and attempt.channel:
                name = f"mute recording {attempt.id}"
                self._tasks.command(name, self._mute_again(attempt.id, attempt.channel), AmiError)

    async def _mute_again(self, attempt_id: UUID, channel: str) -> None:
        paused = attempt_id in self.paused
        if paused:
            fields = {"Channel": channel, "Direction": "both", "State": "1"}
            await self._ami.action("MixMonitorMute", fields)
        await self._ami.set_variable(channel, PAUSED, "2" if paused else "")

    def _recorded(self, login: str) -> Conversing:
        seat = self._board.seats.get(login)
        if seat is None:
            raise RecordingError(
                "not_signed_in", 409, f"{login} is not signed in", f"{login} не на смене"
            )
        attempt = self._board.attempts.get(seat.state.attempt or UUID(int=0))
        if not isinstance(attempt, Conversing) or attempt.operator != login:
            raise RecordingError(
                "no_conversation",
                409,
                f"{login} is in no conversation",
                f"{login} сейчас не разговаривает",
            )
        if not attempt.recording:
            raise RecordingError(
                "not_recorded",
                409,
                "this conversation is not recorded",
                "этот разговор не записывается",
            )
        if attempt.id in self.stopped:
            text = "the recording was stopped because the disk is full; nothing is recorded"
            ru = "запись остановлена: на диске нет места; ничего не записывается"
            raise RecordingError("recording_stopped", 409, text, ru)
        return attempt

    async def _mute(self, attempt: Conversing, *, on: bool) -> None:
        fields = {"Channel": attempt.channel, "Direction": "both", "State": "1" if on else "0"}
        try:
            # First, so that a recording that a transfer begins anew waits to be made mute.
            if on:
                await self._ami.set_variable(attempt.channel, PAUSED, "1")
            await self._ami.action("MixMonitorMute", fields)
            if not on:
                await self._ami.set_variable(attempt.channel, PAUSED, "")
        except AmiError as error:
            what = "paused" if on else "resumed"
            raise RecordingError(
                "recording_not_changed",
                503,
                f"the recording could NOT be {what}: Asterisk does not do it ({error}); "
                f"{'do not let the person say card data' if on else 'try again'}",
                f"запись {'НЕ на паузе' if on else 'НЕ продолжена'}: Asterisk отказал ({error}); "
                f"{'не давайте диктовать данные карты' if on else 'попробуйте ещё раз'}",
            ) from error

    # --- the disk

    async def watch_disk(self) -> None:
        """Looks for ever while something is recorded, and stops it before the disk is full."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """One look at the disk; measures are taken for conversations that are recorded now."""
        self.paused = {id for id in self.paused if id in self._board.attempts}
        self.stopped = {id for id in self.stopped if id in self._board.attempts}
        live = self._live()
        if live and (trouble := self.trouble()):
            log.error("recordings_stopped", conversations=len(live), problem=trouble)
            await asyncio.gather(*(self._stop(attempt) for attempt in live))

    def _live(self) -> list[Conversing]:
        return [
            attempt
            for attempt in self._board.attempts.values()
            if isinstance(attempt, Conversing)
            and attempt.recording
            and attempt.id not in self.stopped
        ]

    async def _stop(self, attempt: Conversing) -> None:
        """What was recorded so far is kept; the conversation goes on without."""
        try:
            # Else a transfer would begin it anew.
            await self._ami.set_variable(attempt.channel, "PROZVON_RECORDING", "")
            await self._ami.action("StopMixMonitor", {"Channel": attempt.channel})
        except AmiRefused as error:  # hung up meanwhile
            log.warning("recording_not_stopped", attempt=str(attempt.id), error=str(error))
            return
        except AmiError:
            return  # looked at again in a second
        self.stopped.add(attempt.id)
        at = utc(self._clock())
        self._journal.write("stopped", lambda c: c.execute(SQL.stopped, attempt.id, at, "disk"))
        metrics.recording_stopped("disk")

    def trouble(self) -> str:
        """Why nothing can be recorded now, or ""."""
        try:
            free = self.free_bytes(self._folder)
        except OSError as error:
            return f"recordings cannot be written to {self._folder}: {error.strerror}"
        if free >= self._stop_free_bytes:
            return ""
        return (
            f"the disk of {self._folder} is full: {free >> 20} MB free, recording stops below "
            f"{self._stop_free_bytes >> 20} MB; free some space or shorten recording.keep_days"
        )

    def status(self) -> RecordingStatus:
        """For people and for metrics."""
        try:
            free = self.free_bytes(self._folder)
        except OSError:
            free = 0
        live = {attempt.id for attempt in self._live()}
        status = RecordingStatus(
            folder=str(self._folder),
            free_bytes=free,
            recording=len(live - self.paused),
            paused=len(live & self.paused),
            stopped=len(self.stopped & set(self._board.attempts)),
            trouble=self.trouble(),
        )
        metrics.recordings_now(status.recording, status.paused)
        return status

    def _note(self, actor: str, action: str, attempt_id: UUID, login: str) -> None:
        subject, details = f"attempt {attempt_id}", {"operator": login}
        self._journal.write(action, lambda c: c.execute(SQL.note, actor, action, subject, details))
