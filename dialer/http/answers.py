"""What all routes share: reading a JSON body, answering in JSON, errors as problem+json."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from dialer.refusal import Refusal

MOST = 2**31 - 1
LOGIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


H = TypeVar("H", bound=Callable[..., Awaitable[web.StreamResponse]])
LIMIT_ATTRIBUTE = "limit_s"


def may_take(limit_s: float) -> Callable[[H], H]:
    """For routes that read or write a lot: they have `limit_s` instead of the usual limit."""

    def mark(handler: H) -> H:
        setattr(handler, LIMIT_ATTRIBUTE, limit_s)
        return handler

    return mark


def json_answer(value: object, status: int = 200) -> web.Response:
    return web.json_response(
        value, status=status, dumps=lambda v: json.dumps(v, default=_plain, ensure_ascii=False)
    )


def _plain(value: object) -> object:
    """Times in ISO 8601; UUIDs, paths and the like as they are written."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def problem(status: int, id: str, text: str) -> web.Response:
    """An error as RFC 9457 has it."""
    body = {"type": f"urn:prozvon:{id}", "title": id, "status": status, "detail": text}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return web.Response(
        status=status,
        text=json.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent; an empty one for no body. Raises Refusal `bad_json`."""
    data = await request.read()
    if not data:
        return {}
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Refusal("bad_json", 400, "the body is not JSON", "тело запроса не JSON") from None
    if not isinstance(body, dict):
        raise Refusal(
            "bad_json", 400, "the body must be a JSON object", "тело запроса: нужен объект JSON"
        )
    return body


def text_of(body: dict[str, Any], key: str) -> str:
    """A text of the body. Raises Refusal `missing_field`, `bad_text`."""
    value = body.get(key)
    if not isinstance(value, str):
        raise Refusal("missing_field", 422, f"give {key!r} as text", f"{key!r}: нужен текст")
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair: PostgreSQL takes no such text
        raise Refusal(
            "bad_text", 422, f"{key!r} is no valid Unicode", f"{key!r}: это не Юникод"
        ) from None
    if "\0" in value:  # neither does it take this
        raise Refusal(
            "bad_text",
            422,
            f"{key!r} has a character with the code 0",
            f"{key!r}: есть символ с кодом 0",
        )
    return value


def login_of(request: web.Request) -> str:
    """The login in the path. Raises Refusal `bad_login`."""
    login: str = request.match_info["login"]
    if not LOGIN.fullmatch(login):
        raise Refusal(
            "bad_login",
            422,
            "a login has 1 to 32 of a-z, 0-9, _ and -",
            "логин: от 1 до 32 знаков из a-z, 0-9, _ и -",
        )
    return login


def number_of(body: dict[str, Any], key: str) -> int:
    """A whole number of the body. Raises Refusal `bad_number`."""
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST:
        raise Refusal(
            "bad_number", 422, f"give {key!r} as a whole number", f"{key!r}: нужно целое число"
        )
    return value


def actor_of(request: web.Request) -> str:
    """Who asks, for the audit: whoever holds the token says for whom."""
    name = "".join(c for c in request.headers.get("X-Prozvon-Actor", "") if c.isprintable())
    return name.strip()[:64] or "api"
