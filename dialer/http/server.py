"""Metrics, health, and the desk's API.

`/metrics`, `/healthz` and `/readyz` are open; `/api` wants the bearer token of
`<data_dir>/secrets/api_token`. Errors are problem+json (RFC 9457).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import structlog
from aiohttp import web

from dialer.desk import Desk, DeskError
from dialer.health import Health
from monitoring import metrics

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """The process's HTTP side. `desk` is None until the floor is up."""

    def __init__(self, health: Health, token: str, collect: Callable[[], None]) -> None:
        self._health, self._token, self._collect = health, token, collect
        self.desk: Desk | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port (another one than asked when that was 0)."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/api/operators", self._operators),
                web.get("/api/dispositions", self._dispositions),
                web.post("/api/operators/{login}/{action}", self._act),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        return int(runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/api") and not self._allowed(request):
            return _problem(401, "unauthorized", "send the token: Authorization: Bearer ...")
        try:
            return await handler(request)
        except DeskError as error:
            return _problem(error.status, error.id, str(error))

    def _allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _metrics(self, request: web.Request) -> web.Response:
        self._collect()
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=metrics.exposition(), headers=headers)

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        report = self._health.report()
        ready = not any(report.values())
        body = {"ready": ready, "dependencies": {k: v or "ok" for k, v in report.items()}}
        return web.json_response(body, status=200 if ready else 503)

    def _floor(self) -> Desk:
        if self.desk is None:
            raise DeskError("starting", 503, "the floor is not up yet; see /readyz")
        return self.desk

    async def _operators(self, request: web.Request) -> web.Response:
        return _json([asdict(view) for view in self._floor().seats()])

    async def _dispositions(self, request: web.Request) -> web.Response:
        return _json(await self._floor().dispositions())

    async def _act(self, request: web.Request) -> web.Response:
        desk, login = self._floor(), request.match_info["login"]
        body = await _body(request)
        match request.match_info["action"]:
            case "sign-in":
                return _json(asdict(await desk.sign_in(login)))
            case "sign-out":
                desk.sign_out(login)
                return _json({"login": login})
            case "ready":
                return _json(asdict(desk.ready(login)))
            case "pause":
                return _json(asdict(desk.pause(login, _text(body, "reason"))))
            case "hang-up":
                return _json(asdict(desk.hang_up(login)))
            case "dispose":
                note = _text(body, "note") if "note" in body else ""
                view = await desk.dispose(login, _text(body, "code"), note)
                return _json(asdict(view))
        raise DeskError("unknown_action", 404, f"no action {request.match_info['action']!r}")


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise DeskError("bad_json", 400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise DeskError("bad_json", 400, "the body must be a JSON object")
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise DeskError("missing_field", 422, f"give {key!r} as text")
    return value


def _json(value: object) -> web.Response:
    return web.json_response(value, dumps=lambda v: json.dumps(v, default=str, ensure_ascii=False))


def _problem(status: int, id: str, text: str) -> web.Response:
    body = {"type": f"urn:prozvon:{id}", "title": id, "status": status, "detail": text}
    return web.Response(
        status=status, text=json.dumps(body), content_type="application/problem+json"
    )
