"""Routes of recordings. Whoever listens is named in the audit (`X-Prozvon-Actor`, else `api`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from dialer.http.answers import actor_of, body_of, json_answer, login_of, number_of, text_of
from dialer.refusal import Refusal
from monitoring.recordings.audio import Listening
from monitoring.recordings.model import Channels, Recording, RecordingError, Wanted, channels_of
from monitoring.recordings.service import RecordingService

if TYPE_CHECKING:
    from dialer.recording import LiveRecordings

CONTENT_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg"}


class RecordingRoutes:
    """`service` and `live` raise Refusal `starting` until the floor is up."""

    def __init__(
        self,
        service: Callable[[], RecordingService],
        live: Callable[[], LiveRecordings],
        keep_days: int | None,
    ) -> None:
        self._service, self._live, self._keep_days = service, live, keep_days

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/api/recordings", self._list),
            web.get("/api/recordings/status", self._status),
            web.post("/api/recordings/purge", self._purge),
            web.post("/api/recordings/keep", self._keep),
            web.get("/api/recordings/{attempt}", self._get),
            web.post("/api/operators/{login}/recording-pause", self._pause),
            web.post("/api/operators/{login}/recording-resume", self._resume),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = Wanted(
            operator=query.get("operator"),
            campaign=query.get("campaign"),
            since=_time(query.get("since"), "since"),
            until=_time(query.get("until"), "until"),
            limit=_whole(query.get("limit", "100"), "limit"),
        )
        return json_answer([shown(one) for one in await self._service().recordings(wanted)])

    async def _status(self, request: web.Request) -> web.Response:
        return json_answer(asdict(self._live().status()))

    async def _get(self, request: web.Request) -> web.StreamResponse:
        """The file itself, or for another choice of channels a WAV made of it."""
        attempt_id = _uuid(request.match_info["attempt"])
        channels = channels_of(request.query.get("channels", Channels.STEREO))
        one = await self._service().heard(attempt_id, actor_of(request), channels)
        assert one.path is not None
        if channels is Channels.STEREO:
            kind = CONTENT_TYPES.get(one.path.suffix, "application/octet-stream")
            return web.FileResponse(one.path, headers={"Content-Type": kind})
        sound = await asyncio.to_thread(Listening, one.path, channels)
        return web.Response(body=_blocks(sound), content_type="audio/wav")

    async def _purge(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        days = number_of(body, "older_than_days") if "older_than_days" in body else None
        dry = body.get("dry_run") is True
        gone = await self._service().purge(
            self._keep_days, actor_of(request), older_than_days=days, dry_run=dry
        )
        return json_answer({"deleted": gone, "dry_run": dry})

    async def _keep(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        days = number_of(body, "days") if body.get("days") is not None else None
        campaign = text_of(body, "campaign")
        await self._service().keep(campaign, days, actor_of(request))
        return json_answer({"campaign": campaign, "days": days})

    async def _pause(self, request: web.Request) -> web.Response:
        login = login_of(request)
        await self._live().pause(login, actor_of(request))
        return json_answer({"login": login, "recording": "paused"})

    async def _resume(self, request: web.Request) -> web.Response:
        login = login_of(request)
        await self._live().resume(login, actor_of(request))
        return json_answer({"login": login, "recording": "resumed"})


async def _blocks(sound: Listening) -> AsyncIterator[bytes]:
    try:
        yield sound.head()
        while block := await asyncio.to_thread(sound.block):
            yield block
    finally:
        sound.close()


def shown(one: Recording) -> dict[str, Any]:
    """A recording in a list. Where the file is does not concern those who listen."""
    data = asdict(one)
    path = data.pop("path")
    return {**data, "format": path.suffix[1:] if path else None}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise RecordingError(
            "bad_attempt", 422, "an attempt's id is a UUID", "id набора: UUID"
        ) from None


def _time(text: str | None, what: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            "bad_time",
            422,
            f"{what} is a time such as 2026-03-09T14:00+03:00",
            f"{what}: нужно время: 2026-03-09T14:00+03:00",
        ) from None
    if at.tzinfo is None:
        raise Refusal(
            "bad_time",
            422,
            f"{what} needs a time zone: 2026-03-09T14:00+03:00",
            f"{what}: нужно смещение: 2026-03-09T14:00+03:00",
        )
    return at


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refusal(
            "bad_number", 422, f"{what} is a whole number", f"{what}: нужно целое число"
        ) from None
