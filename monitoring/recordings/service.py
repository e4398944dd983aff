"""Recordings: finished after the conversation, listed, heard, deleted when their time is over."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from dialer.database.pool import Pool
from dialer.database.queries import Queries
from dialer.journal import CONNECTION_ERRORS
from monitoring import metrics
from monitoring.recordings import audio
from monitoring.recordings.model import (
    Recording,
    RecordingError,
    Wanted,
    check_days,
    check_limit,
    legs_of,
    pauses_of,
)

log = structlog.get_logger(__name__)

SQL = Queries.load("monitoring.recordings")
BATCH = 50
LOOK_S = 1.0
NODE_LIMIT_S = 10.0
"""A node closes its files within a moment of the hang-up; one that died never does."""
STRAY_AGE_S = 24 * 3600.0
NICENESS = 10


class RecordingService:
    """Use cases of recordings of one floor. `actor` is who asks, for the audit."""

    def __init__(self, pool: Pool, floor_id: int) -> None:
        self._pool, self._floor_id = pool, floor_id

    async def recordings(self, wanted: Wanted) -> list[Recording]:
        """Finished recordings, the newest first. Raises RecordingError `bad_limit`."""
        check_limit(wanted.limit)
        return await self._find(None, wanted)

    async def heard(self, attempt_id: UUID, actor: str, how: str) -> Recording:
        """The recording of an attempt, for somebody who will listen: into the audit first.

        Raises RecordingError `unknown_recording`, `recording_deleted`, `no_recording`.
        """
        found = await self._find(attempt_id, Wanted(limit=1))
        if not found:
            raise RecordingError(
                "unknown_recording",
                404,
                f"there is no recording of attempt {attempt_id}",
                f"нет записи набора {attempt_id}",
            )
        one = found[0]
        if one.deleted_at is not None:
            when = f"{one.deleted_at:%Y-%m-%d %H:%M} UTC"
            raise RecordingError(
                "recording_deleted",
                410,
                f"this recording was deleted on {when}",
                f"запись удалена {when}",
            )
        if one.path is None or not one.path.is_file():
            why = one.problem or f"{one.path} is not there"
            raise RecordingError(
                "no_recording", 404, f"there is no file: {why}", f"файла нет: {why}"
            )
        await self._note(actor, "recording_listened", one.attempt_id, {"channels": how})
        return one

    async def _find(self, attempt_id: UUID | None, wanted: Wanted) -> list[Recording]:
        rows = await self._pool.fetch(
            SQL.recordings, self._floor_id, attempt_id, wanted.operator, wanted.campaign,
            wanted.since, wanted.until, wanted.limit,
        )  # fmt: skip
        spans: dict[UUID, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        for row in await self._pool.fetch(SQL.pauses, [row["attempt_id"] for row in rows]):
            spans[row["attempt_id"]].append((row["started_at"], row["ended_at"]))
        return [_recording(row, spans[row["attempt_id"]]) for row in rows]

    async def keep(self, campaign: str, days: int | None, actor: str) -> None:
        """How long recordings of a campaign are kept; None: as the settings say.

        Raises RecordingError `bad_days`, `unknown_campaign`.
        """
        if days is not None:
            check_days(days)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(SQL.keep, self._floor_id, campaign, days) is None:
                raise RecordingError(
                    "unknown_campaign",
                    404,
                    f"there is no campaign {campaign!r}",
                    f"нет кампании {campaign!r}",
                )
            details = {"days": days}
            subject = f"campaign {campaign}"
            await connection.execute(SQL.note, actor, "recordings_kept", subject, details)

    async def purge(
        self,
        keep_days: int | None,
        actor: str,
        *,
        older_than_days: int | None = None,
        dry_run: bool = False,
    ) -> list[UUID]:
        """Deletes files whose time is over; returns whose they were.

        `older_than_days` is asked for instead of campaigns' and settings' days. A file that
        cannot be deleted is logged and tried again the next time.
        """
        if older_than_days is not None:
            check_days(older_than_days)
        gone: list[UUID] = []
        while True:
            rows = await self._pool.fetch(
                SQL.expired,
                self._floor_id,
                keep_days,
                older_than_days,
                LIST_ALL if dry_run else BATCH,
            )
            if dry_run:
                return [row["attempt_id"] for row in rows]
            done = [row["attempt_id"] for row in rows if await self._delete(row, actor)]
            gone += done
            if not done or len(rows) < BATCH:
                return gone

    async def _delete(self, row: Any, actor: str) -> bool:
        try:
            await asyncio.to_thread(Path(row["path"]).unlink, missing_ok=True)
        except OSError as error:
            log.error("recording_not_deleted", path=row["path"], error=str(error))
            return False
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(SQL.deleted, row["attempt_id"], actor)
            subject = f"attempt {row['attempt_id']}"
            await connection.execute(SQL.note, actor, "recording_deleted", subject, {})
        metrics.recording_deleted()
        return True

    async def _note(self, actor: str, action: str, attempt_id: UUID, details: Any) -> None:
        await self._pool.execute(SQL.note, actor, action, f"attempt {attempt_id}", details)


LIST_ALL = 1_000_000


def _recording(row: Any, spans: Iterable[tuple[datetime, datetime | None]]) -> Recording:
    return Recording(
        attempt_id=row["attempt_id"],
        campaign=row["campaign"],
        operator=row["operator"],
        began_at=row["began_at"],
        path=Path(row["path"]) if row["path"] else None,
        seconds=row["seconds"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        finished_at=row["finished_at"],
        stopped_for=row["stopped_for"],
        problem=row["problem"],
        deleted_at=row["deleted_at"],
        pauses=pauses_of(row["began_at"], row["ended_at"], spans),
    )


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a conversation's files: one of them, or why there is none."""

    made: audio.Made | None
    problem: str

    @property
    def columns(self) -> tuple[str | None, float, int, str | None]:
        made = self.made
        return (str(made.path), made.seconds, made.bytes, made.sha256) if made else NO_FILE


NO_FILE = (None, 0.0, 0, None)


class Finisher:
    """Makes one file of what the node wrote, after every recorded conversation.

    What is to be done is read from the database, so that a restart forgets nothing. The work is
    done in a thread of low priority.
    """

    def __init__(self, pool: Pool, floor_id: int, format: audio.Format) -> None:
        self._pool, self._floor_id, self._format = pool, floor_id, format
        self._worker = ThreadPoolExecutor(1, "recordings", _step_back)
        self._said = ""

    async def run(self) -> None:
        """Works for ever."""
        try:
            while True:
                try:
                    await self.finish_all()
                except CONNECTION_ERRORS as error:
                    log.warning("recordings_wait", error=repr(error))
                await asyncio.sleep(LOOK_S)
        finally:
            self._worker.shutdown(wait=False)

    async def finish_all(self) -> int:
        """Finishes what can be finished now; returns how many."""
        rows = await self._pool.fetch(SQL.unfinished, self._floor_id, BATCH)
        made = [(row, found) for row in rows if (found := await self._finish(row)) is not None]
        if made:
            await self._write(made)
            legs = [leg for row, _ in made for leg in legs_of(row["recording"])]
            await asyncio.to_thread(_unlink, legs)
        return len(made)

    async def _finish(self, row: Any) -> Finished | None:
        """None: not now."""
        legs = legs_of(row["recording"])
        waited = time.time() - row["ended_at"].timestamp()
        if waited < NODE_LIMIT_S and not all(audio.is_complete(leg) for leg in legs):
            return None
        try:
            loop = asyncio.get_running_loop()
            made = await loop.run_in_executor(self._worker, self._make, row["recording"])
        except OSError as error:
            # Kept as it is: the next look tries again, for a disk that is full now.
            if str(error) != self._said:
                self._said = str(error)
                log.error("recording_not_finished", attempt=str(row["id"]), error=self._said)
            return None
        self._said = ""
        return Finished(made, "" if made else f"the node left no file for {row['recording']}")

    def _make(self, recording: str) -> audio.Made | None:
        """In the thread. None when there is nothing to make it of."""
        legs = legs_of(recording)
        kept = Path(recording).with_suffix(f".{self._format}")
        if not any(leg.exists() for leg in legs):
            return None
        return audio.merge(legs, kept, self._format)

    async def _write(self, done: list[tuple[Any, Finished]]) -> None:
        values = [(row["id"], *found.columns, found.problem or None) for row, found in done]
        await self._pool.execute(SQL.finish, *zip(*values, strict=True))
        for row, found in done:
            metrics.recording_finished(found.made.seconds if found.made else 0.0)
            if found.problem:
                log.error("recording_missing", attempt=str(row["id"]), problem=found.problem)

    async def clear_strays(self, folder: Path) -> int:
        """Deletes old legs that no conversation waits for: their bridge never came about."""
        old = await asyncio.to_thread(_old_legs, folder)
        known = {row["id"] for row in await self._pool.fetch(SQL.known, list(old))}
        stray = [path for attempt, paths in old.items() if attempt not in known for path in paths]
        for path in stray:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return len(stray)


def _unlink(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _old_legs(folder: Path) -> dict[UUID, list[Path]]:
    found: dict[UUID, list[Path]] = defaultdict(list)
    for side in ("person", "operator"):
        for path in folder.rglob(f"*-{side}.wav"):
            name = path.name.removesuffix(f"-{side}.wav")
            if time.time() - path.stat().st_mtime > STRAY_AGE_S and _is_uuid(name):
                found[UUID(name)].append(path)
    return found


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _step_back() -> None:
    """Linux has a priority per thread: calls come before files."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def free_bytes(folder: Path) -> int:
    """What is left on the disk of `folder`. Raises OSError."""
    return shutil.disk_usage(folder).free
