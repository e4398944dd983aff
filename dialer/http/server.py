"""Metrics, health, and the desk's API.

`/metrics`, `/healthz` and `/readyz` are open; all else wants the bearer token of
`<data_dir>/secrets/api_token`. Errors are problem+json (RFC 9457).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from typing import Any

import structlog
from aiohttp import web

from campaigns.refusals import Refusal, wanted_language
from dialer.desk import Desk, DeskError, SeatView
from dialer.health import Health
from dialer.http.answers import LIMIT_ATTRIBUTE, body_of, json_answer, login_of, problem, text_of
from dialer.journal import CONNECTION_ERRORS
from monitoring import metrics

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/metrics", "/healthz", "/readyz"})
REQUEST_LIMIT_S = 10.0
BODY_BYTES = 64 << 10
STARTING = "the floor is still starting; what it waits for is named here, or in the log"


class HttpServer:
    """The process's HTTP side. `desk` is None until the floor is up.

    `routes` come from the features' own modules; they raise Refusal, and want the token unless
    their path is in `open_paths` or below one of them that ends with a slash.
    """

    def __init__(
        self,
        health: Health,
        token: str,
        collect: Callable[[], Iterable[None]],
        routes: Iterable[web.AbstractRouteDef] = (),
        open_paths: Iterable[str] = (),
    ) -> None:
        self._health, self._token, self._collect = health, token, collect
        self._routes, self._open = tuple(routes), OPEN | frozenset(open_paths)
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
                *self._routes,
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
        if not self._is_open(request.path) and not self._allowed(request):
            return problem(401, "unauthorized", "send the token: Authorization: Bearer ...")
        try:
            limit_s = getattr(request.match_info.handler, LIMIT_ATTRIBUTE, REQUEST_LIMIT_S)
            async with asyncio.timeout(limit_s):
                return await handler(request)
        except Refusal as refusal:
            language = wanted_language(request.headers.get("Accept-Language", ""))
            return problem(refusal.status, refusal.id, refusal.to(language))
        except web.HTTPException as error:
            return _http_problem(request, error)
        except CONNECTION_ERRORS as error:
            log.warning("request_without_database", path=request.path, error=repr(error))
            text = "the database does not answer; try again in a moment, see /readyz"
            return problem(503, "database_away", text)
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            return problem(500, "internal", "Prozvon failed at this request; its log says how")

    def _is_open(self, path: str) -> bool:
        return path in self._open or any(
            path.startswith(folder) for folder in self._open if folder.endswith("/")
        )

    def _allowed(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip().encode(errors="surrogateescape")
        same = hmac.compare_digest(token, self._token.encode())
        return same and bool(self._token) and scheme.lower() == "bearer"

    async def _metrics(self, request: web.Request) -> web.Response:
        for _ in self._collect():
            await asyncio.sleep(0)
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        slices = []
        for piece in metrics.exposition():
            slices.append(piece)
            await asyncio.sleep(0)
        return web.Response(body=b"".join(slices), headers=headers)

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, request: web.Request) -> web.Response:
        report = {"floor": "" if self.desk is not None else STARTING, **self._health.report()}
        ready = not any(report.values())
        body = {"ready": ready, "dependencies": {k: v or "ok" for k, v in report.items()}}
        return web.json_response(body, status=200 if ready else 503)

    def _floor(self) -> Desk:
        if self.desk is None:
            raise DeskError(
                "starting",
                503,
                "the floor is not up yet; see /readyz",
                "площадка ещё не поднялась; см. /readyz",
            )
        return self.desk

    async def _operators(self, request: web.Request) -> web.Response:
        return json_answer([asdict(view) for view in self._floor().seats()])

    async def _dispositions(self, request: web.Request) -> web.Response:
        return json_answer(await self._floor().dispositions())

    async def _act(self, request: web.Request) -> web.Response:
        desk, login = self._floor(), login_of(request)
        body = await body_of(request)
        match request.match_info["action"]:
            case "sign-in":
                return json_answer(asdict(await desk.sign_in(login)))
            case "sign-out":
                desk.sign_out(login)
                return json_answer({"login": login})
            case "ready":
                return json_answer(asdict(desk.ready(login)))
            case "pause":
                return json_answer(asdict(desk.pause(login, text_of(body, "reason"))))
            case "hang-up":
                return json_answer(asdict(desk.hang_up(login)))
            case "dispose":
                return json_answer(asdict(await _dispose(desk, login, body)))
        raise DeskError(
            "unknown_action",
            404,
            f"no such action; one of: {', '.join(ACTIONS)}",
            f"нет такого действия; одно из: {', '.join(ACTIONS)}",
        )


async def _dispose(desk: Desk, login: str, body: dict[str, Any]) -> SeatView:
    given = {key: text_of(body, key) for key in DISPOSAL_TEXTS if key in body}
    answers = body.get("answers", {})
    if not isinstance(answers, dict) or not all(
        isinstance(value, str | int | float | None) for value in answers.values()
    ):
        raise DeskError(
            "bad_answers",
            422,
            "give the answers as an object of texts and numbers by field",
            "ответы: объект «поле: текст или число»",
        )
    return await desk.dispose(login, text_of(body, "code"), answers=answers, **given)


DISPOSAL_TEXTS = ("note", "callback_at", "callback_for")
ACTIONS = ("sign-in", "sign-out", "ready", "pause", "hang-up", "dispose")


def _http_problem(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own errors: no such path or method, a body that is too long."""
    text = f"{error.reason}: {request.method} {request.path}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        text = f"a body has at most {BODY_BYTES >> 10} KiB"
    response = problem(error.status, error.reason.lower().replace(" ", "_"), text)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
