"""Metrics, health, and the desk's API.

`/metrics`, `/healthz` and `/readyz` are open; all else wants the bearer token of
`<data_dir>/secrets/api_token`. Errors are problem+json (RFC 9457).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import structlog
from aiohttp import web

from dialer.desk import Desk, DeskError
from dialer.health import Health
from dialer.journal import CONNECTION_ERRORS
from monitoring import metrics

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/metrics", "/healthz", "/readyz"})
REQUEST_LIMIT_S = 10.0
BODY_BYTES = 64 << 10
LOGIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
STARTING = "the floor is still starting; what it waits for is named here, or in the log"


class HttpServer:
    """The process's HTTP side. `desk` is None until the floor is up."""

    def __init__(self, health: Health, token: str, collect: Callable[[], None]) -> None:
        self._health, self._token, self._collect = health, token, collect
        self.desk: Desk | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port (another one than asked when that was 0)."""
        app = web.Application(middlewares=[self._guard], client_max_size=BODY_BYTES)
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
        if request.path not in OPEN and not self._allowed(request):
            return _problem(401, "unauthorized", "send the token: Authorization: Bearer ...")
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                return await handler(request)
        except DeskError as error:
            return _problem(error.status, error.id, str(error))
        except web.HTTPException as error:
            return _http_problem(request, error)
        except CONNECTION_ERRORS as error:
            log.warning("request_without_database", path=request.path, error=repr(error))
            text = "the database does not answer; try again in a moment, see /readyz"
            return _problem(503, "database_away", text)
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            return _problem(500, "internal", "Prozvon failed at this request; its log says how")

    def _allowed(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip().encode(errors="surrogateescape")
        same = hmac.compare_digest(token, self._token.encode())
        return same and bool(self._token) and scheme.lower() == "bearer"

    async def _metrics(self, request: web.Request) -> web.Response:
        self._collect()
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=metrics.exposition(), headers=headers)

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        report = {"floor": "" if self.desk is not None else STARTING, **self._health.report()}
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
        if not LOGIN.fullmatch(login):
            raise DeskError("bad_login", 422, "a login has 1 to 32 of a-z, 0-9, _ and -")
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
        raise DeskError("unknown_action", 404, f"no such action; one of: {', '.join(ACTIONS)}")


ACTIONS = ("sign-in", "sign-out", "ready", "pause", "hang-up", "dispose")


async def _body(request: web.Request) -> dict[str, Any]:
    data = await request.read()
    if not data:
        return {}
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise DeskError("bad_json", 400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise DeskError("bad_json", 400, "the body must be a JSON object")
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise DeskError("missing_field", 422, f"give {key!r} as text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair: PostgreSQL takes no such text
        raise DeskError("bad_text", 422, f"{key!r} is no valid Unicode") from None
    return value


def _json(value: object) -> web.Response:
    return web.json_response(value, dumps=lambda v: json.dumps(v, default=str, ensure_ascii=False))


def _http_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own errors: no such path or method, a body that is too long."""
    text = f"{error.reason}: {request.method} {request.path}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        text = f"a body has at most {BODY_BYTES >> 10} KiB"
    response = _problem(error.status, error.reason.lower().replace(" ", "_"), text)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _problem(status: int, id: str, text: str) -> web.Response:
    body = {"type": f"urn:prozvon:{id}", "title": id, "status": status, "detail": text}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return web.Response(
        status=status,
        text=json.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )
