"""The browser phone: its page, its login, and what its operator may do on it.

The page is open; everything else below /phone/api wants the phone's own living login
(`Authorization: Bearer <login>:<password>`) and acts for that operator only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from campaigns.operators.browser import BrowserLogin, BrowserPhoneError, BrowserPhones, NodePhones
from dialer.asterisk.phones import PhonesError
from dialer.desk import Desk
from dialer.http.answers import LOGIN, actor_of, body_of, json_answer, login_of, text_of
from dialer.http.web_build import library_in
from dialer.refusal import Refusal

PAGE = Path(__file__).resolve().parents[2] / "web" / "phone"
FILES = {"": "index.html", "phone.js": "phone.js", "phone.css": "phone.css"}
OPEN_PATHS = ("/phone/",)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' "
    "blob: mediastream:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PhoneRoutes:
    """`phones` and `desk` raise Refusal `starting` until the floor is up."""

    def __init__(
        self,
        phones: Callable[[], BrowserPhones],
        node: Callable[[], NodePhones],
        desk: Callable[[], Desk],
        cache_dir: Path,
        websocket: str,
    ) -> None:
        self._phones, self._node, self._desk = phones, node, desk
        self._library, self._websocket = library_in(cache_dir), websocket

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/api/operators/{login}/browser-phone", self._issue),
            web.get("/phone", self._to_page),
            web.get("/phone/{file:[a-z.]*}", self._file),
            web.get("/phone/api/state", self._state),
            web.post("/phone/api/renew", self._renew),
            web.post("/phone/api/{action}", self._act),
        ]

    # --- the page

    async def _to_page(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/phone/")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if name == self._library.name:
            if not self._library.is_file():
                text = "the page's library was not made; run `make setup` on the server"
                raise Refusal("no_library", 503, text)
            return web.FileResponse(self._library, headers=HEADERS)
        if name not in FILES:
            raise web.HTTPNotFound
        return web.FileResponse(PAGE / FILES[name], headers=HEADERS)

    # --- logins

    async def _issue(self, request: web.Request) -> web.Response:
        return await self._new_login(login_of(request), actor_of(request))

    async def _renew(self, request: web.Request) -> web.Response:
        login = await self._login(request)
        return await self._new_login(login, login)

    async def _new_login(self, login: str, actor: str) -> web.Response:
        try:
            made = await self._phones().issue(login, actor, self._node())
        except PhonesError as error:
            raise Refusal("phones_failed", 503, str(error)) from error
        return json_answer(self._shown(made), 201)

    def _shown(self, made: BrowserLogin) -> dict[str, Any]:
        """The link carries the password behind `#`, which browsers send to nobody."""
        user, password = made.phone.username, made.phone.password
        return {
            "login": made.login,
            "username": user,
            "password": password,
            "websocket": self._websocket,
            "expires_at": made.expires_at,
            "link": f"/phone/#{quote(made.login)}:{quote(password)}",
        }

    async def _login(self, request: web.Request) -> str:
        return await phone_login(request, self._phones())

    # --- the operator at the phone

    async def _state(self, request: web.Request) -> web.Response:
        login = await self._login(request)
        desk = self._desk()
        seat = next((asdict(view) for view in desk.seats() if view.login == login), None)
        return json_answer(
            {
                "login": login,
                "username": f"op-{login}",
                "websocket": self._websocket,
                "signed_in": seat is not None,
                "seat": seat,
            }
        )

    async def _act(self, request: web.Request) -> web.Response:
        login, desk = await self._login(request), self._desk()
        match request.match_info["action"]:
            case "sign-in":
                await desk.sign_in(login)
            case "sign-out":
                desk.sign_out(login)
            case "ready":
                desk.ready(login)
            case "pause":
                desk.pause(login, text_of(await body_of(request), "reason"))
            case "hang-up":
                desk.hang_up(login)
            case _:
                raise Refusal(
                    "unknown_action",
                    404,
                    f"a phone does: {', '.join(ACTIONS)}",
                    f"телефон умеет: {', '.join(ACTIONS)}",
                )
        return await self._state(request)


async def phone_login(request: web.Request, phones: BrowserPhones) -> str:
    """Whose phone this is. Raises BrowserPhoneError `phone_login`."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    login, _, password = given.strip().partition(":")
    if scheme.lower() != "bearer" or not LOGIN.fullmatch(login):
        raise BrowserPhoneError(
            "phone_login", 401, "send the phone's login", "нужен логин телефона"
        )
    await phones.check(login, password)
    return login


ACTIONS = ("sign-in", "sign-out", "ready", "pause", "hang-up")
