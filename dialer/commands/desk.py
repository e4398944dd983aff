"""Requests to the desk's API of a running `prozvon serve`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import aiohttp

from dialer.commands.common import CommandError, os_user, speech
from dialer.config import Settings

REQUEST_TIMEOUT_S = 10.0
PHONE_TIMEOUT_S = 75.0
"""For what may have to wait until an operator's phone is answered."""
MAY_RING = frozenset({"dial", "dial-card", "consult", "pick-up"})
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


def api_url(settings: Settings) -> str:
    """Where `serve` answers, as seen from this machine."""
    host = _ANY_ADDRESS.get(settings.http.host, settings.http.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http.port}"


def page_url(settings: Settings) -> str:
    """What a person's browser opens."""
    if settings.http.page_url is not None:
        return settings.http.page_url.rstrip("/")
    return api_url(settings)


async def act(settings: Settings, login: str, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """One action of an operator; the desk's view afterwards.

    Raises CommandError with the API's own id and text, or `not_running`.
    """
    path = f"/api/operators/{quote(login, safe='')}/{action}"
    limit_s = PHONE_TIMEOUT_S if action in MAY_RING else REQUEST_TIMEOUT_S
    answer: dict[str, Any] = await ask(settings, "POST", path, body, limit_s)
    return answer


async def ask(
    settings: Settings,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    limit_s: float = REQUEST_TIMEOUT_S,
) -> Any:
    """One request to the API of a running `prozvon serve`; its answer, an object or a list.

    Raises CommandError with the API's own id and text, or `not_running`.
    """
    url = api_url(settings) + path
    token = settings.secret(settings.http.token, "api_token")
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Prozvon-Actor": os_user(),
        "Accept-Language": speech.language,
    }
    timeout = aiohttp.ClientTimeout(total=limit_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            return _read(settings, response.status, await response.text())
    except TimeoutError:
        raise CommandError(
            "no_answer",
            f"Prozvon at {api_url(settings)} gave no answer in {limit_s:g} s; look into "
            "its log, it may be overloaded",
            f"Prozvon по адресу {api_url(settings)} не ответил за {limit_s:g} с; посмотрите его "
            "журнал: возможно, он перегружен",
        ) from None
    except aiohttp.ClientError as error:
        raise CommandError(
            "not_running",
            f"Prozvon does not run at {api_url(settings)} ({error}); start it: prozvon serve",
            f"Prozvon по адресу {api_url(settings)} не работает ({error}); запустите: "
            "prozvon serve",
        ) from None


async def running_trunks(settings: Settings) -> list[str]:
    """Names of the trunks that the running `prozvon serve` or demo has; none where none runs."""
    try:
        answer = await ask(settings, "GET", "/api/trunks")
    except CommandError:
        return []
    return [trunk["name"] for trunk in answer["trunks"]]


def _read(settings: Settings, status: int, text: str) -> Any:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict | list):
        raise CommandError(
            "not_prozvon",
            f"what answers at {api_url(settings)} is not Prozvon (HTTP {status}); check http.port",
            f"по адресу {api_url(settings)} отвечает не Prozvon (HTTP {status}); проверьте "
            "http.port",
        )
    if status == 401:
        raise CommandError(
            "unauthorized",
            f"Prozvon at {api_url(settings)} runs with another token; use the same settings "
            "(http.token or the same data_dir) as for `prozvon serve`",
            f"у Prozvon по адресу {api_url(settings)} другой токен; нужны те же настройки "
            "(http.token или тот же data_dir), что у `prozvon serve`",
        )
    if status >= 400 and isinstance(answer, dict):
        raise CommandError(str(answer.get("title", status)), str(answer.get("detail", text)))
    return answer
