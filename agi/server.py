"""FastAGI server: what Asterisk asks in the middle of a call.

Built on panoramisk's `Application` (route table) and `Request` (one session). Reading and sending
are replaced: panoramisk 1.4 freezes the event loop on an early close and loses track of answers
(docs/reference/panoramisk.md, rows A to H). Only this module of `agi` knows panoramisk.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl

import structlog
from panoramisk import fast_agi

log = structlog.get_logger(__name__)

# Asterisk (16 to 22, AGI_BUF_LEN) reads commands into 2,048 bytes and takes what does not fit for
# the next command, so the tail of a long value would be executed.
COMMAND_BYTES = 2047
BACKLOG = 1024

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@*#^|+=-]+\Z")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})
_ANSWER = re.compile(r"(\d{3})[ -]?(.*)", re.DOTALL)
_RESULT = re.compile(r"result=(\S*)")
_OPEN_VALUE = re.compile(r"200 result=\S* \(")
_CLOSED_VALUE = re.compile(r"\)(\Z| endpos=)")

Route = Callable[["AgiSession"], Awaitable[None]]
DONE, HUNG_UP, FAILED, ERROR, NO_ROUTE, NO_REQUEST, REFUSED, MALFORMED = RESULTS = (
    "done",  # the route ended
    "hung_up",  # the channel or Asterisk was gone before it ended
    "failed",  # Asterisk refused a command or did not answer it in time
    "error",  # the route raised
    "no_route",  # the dialplan asked for a script that there is not
    "no_request",  # closed before its headers were complete
    "refused",  # too many sessions at once, or the server was closing
    "malformed",  # dropped: headers late or too long, an answer too long
)
"""How a FastAGI session ends."""


class AgiError(Exception):
    """FastAGI could not do what was asked."""


class AgiHungUp(AgiError):
    """The channel is gone or Asterisk closed the session."""


class AgiBadValue(AgiError, ValueError):
    """A value cannot be sent to Asterisk safely (line break, NUL, too long)."""


class AgiTimeout(AgiError):
    """Asterisk did not answer a command in time."""


class AgiCommandFailed(AgiError):
    """Asterisk refused a command, or its application failed."""


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """What one Asterisk, or someone who pretends to be one, may use up.

    `sessions` is for the server; the others are per session.
    """

    header_timeout_s: float = 2.0
    header_bytes: int = 16384
    command_timeout_s: float = 5.0
    sessions: int = 2000
    commands: int = 50
    answer_bytes: int = 8192


class _Link(asyncio.Protocol):
    """One connection: headers, then answers in the order of their commands.

    A protocol instead of panoramisk's streams, because a hang-up must be noticed while no command
    is outstanding, without a second task for every session.
    """

    def __init__(self, server: AgiServer) -> None:
        self.server = server
        self.limits = server.limits
        self.begun = asyncio.get_running_loop().time()
        self.hung_up = asyncio.Event()
        self.headers: dict[str, str] | None = None
        self.task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._header_timer: asyncio.TimerHandle | None = None
        self._buffer = bytearray()
        self._waiters: deque[asyncio.Future[str]] = deque()
        self._lines: list[str] = []
        self._answer_bytes = 0
        self.refused = self.dropped = self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        if not self.server.admit(self):
            self.refused = True
            self._transport.abort()
            return
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        self._header_timer = loop.call_later(
            self.limits.header_timeout_s, self.drop, "agi_header_timeout"
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self.headers is None and not self._take_headers(len(data)):
            return
        while not self.dropped and (end := self._buffer.find(b"\n")) >= 0:
            line = self._buffer[:end].decode("utf-8", "replace").rstrip("\r")
            del self._buffer[: end + 1]
            self._take_line(line)
        if len(self._buffer) > self.limits.answer_bytes:
            self.drop("agi_answer_too_long")

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.server.note("agi_end", {"session": id(self)})
        self._end()
        if self.task is None:
            self.server.ended(self, "", REFUSED if self.refused else NO_REQUEST)
        self.server.forget(self)

    def send(self, line: bytes) -> asyncio.Future[str]:
        """Write one command; the future is its answer.

        A cancelled future still consumes its answer, so later answers stay with their commands.
        """
        if self._transport is None or self._transport.is_closing():
            raise AgiHungUp("the FastAGI session is closed")
        waiter: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.server.note("agi_out", {"session": id(self), "line": line.decode().rstrip("\n")})
        self._transport.write(line)
        return waiter

    def close(self) -> None:
        """End the session; Asterisk goes on in the dialplan."""
        if self._transport is not None:
            self._transport.close()

    def drop(self, event: str) -> None:
        """End the session because the other side broke the rules."""
        if self.dropped:
            return
        self.dropped = True
        log.warning(event, peer=self._peer())
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def _peer(self) -> str:
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return f"{peer[0]}:{peer[1]}" if peer else "unknown"

    def _take_headers(self, added: int) -> bool:
        end = self._buffer.find(b"\n\n", max(0, len(self._buffer) - added - 1))
        if (len(self._buffer) if end < 0 else end) > self.limits.header_bytes:
            self.drop("agi_headers_too_long")
        if end < 0 or self.hung_up.is_set():
            return False
        self.headers = _headers(bytes(self._buffer[:end]))
        self.server.note("agi_head", {"session": id(self), **self.headers})
        del self._buffer[: end + 2]
        if self._header_timer is not None:
            self._header_timer.cancel()
        self.task = self.server.serve(self)
        return True

    def _take_line(self, line: str) -> None:
        self.server.note("agi_in", {"session": id(self), "line": line})
        if line == "HANGUP":
            # Comes between answers and belongs to none of them.
            self.hung_up.set()
            return
        if not self._lines and not (self._waiters and _ANSWER.match(line)):
            # The tail of a variable that contains line breaks, or an answer nobody asked for.
            return
        self._answer_bytes += len(line)
        if self._answer_bytes > self.limits.answer_bytes:
            self.drop("agi_answer_too_long")
            return
        self._lines.append(line)
        if _is_complete(self._lines):
            self._answered("\n".join(self._lines))

    def _answered(self, answer: str) -> None:
        self._lines.clear()
        self._answer_bytes = 0
        if answer.startswith("100"):
            return  # "100 Trying": the answer itself follows
        waiter = self._waiters.popleft()
        if not waiter.done():
            waiter.set_result(answer)

    def _end(self) -> None:
        self.hung_up.set()
        if self._header_timer is not None:
            self._header_timer.cancel()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(AgiHungUp("Asterisk closed the session before it answered"))


def _is_complete(lines: list[str]) -> bool:
    first, last = lines[0], lines[-1]
    if first.startswith("520-"):
        return len(lines) > 1 and last.startswith("520 ")
    if _OPEN_VALUE.match(first):
        # GET VARIABLE gives values as they are, line breaks included.
        return _CLOSED_VALUE.search(last) is not None
    return True


class AgiSession(fast_agi.Request):  # type: ignore[misc]  # panoramisk has no types
    """One FastAGI session.

    `script` is the path of `agi://host/answered?x=1` (`answered`), `query` its parsed query,
    `variables` the `agi_*` headers, `unique_id` and `channel` two of them. `hung_up` is set as soon
    as Asterisk says HANGUP or closes the socket, also while no command is outstanding.
    """

    def __init__(self, app: _Application, headers: dict[str, str], link: _Link) -> None:
        super().__init__(app, headers, link, link)
        self._link = link
        self._limits = link.limits
        self._sent = 0
        script, _, query = headers.get("agi_network_script", "").partition("?")
        self.script: str = script.strip("/")
        self.query: Mapping[str, str] = dict(parse_qsl(query, keep_blank_values=True))
        self.variables: Mapping[str, str] = headers
        self.unique_id: str = headers.get("agi_uniqueid", "")
        self.channel: str = headers.get("agi_channel", "")
        self.hung_up: asyncio.Event = link.hung_up

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable.

        Raises AgiBadValue, AgiHungUp, AgiTimeout, AgiCommandFailed.
        """
        self._result(await self.command("SET", "VARIABLE", name, value), f"SET VARIABLE {name}")

    async def get_variable(self, name: str) -> str | None:
        """Return a channel variable, None where it is not set. Errors as `set_variable`."""
        code, text = await self.command("GET", "VARIABLE", name)
        if self._result((code, text), f"GET VARIABLE {name}") == "0":
            return None
        start, end = text.find("("), text.rfind(")")
        return text[start + 1 : end] if start >= 0 else ""

    async def execute(
        self, application: str, *arguments: str, timeout_s: float | None = None
    ) -> str:
        """Run a dialplan application and return its result ("0" mostly).

        Each argument stays one argument: a comma outside parentheses, a quote or a backslash
        raises AgiBadValue. `timeout_s` (default `command_timeout_s`) must cover the time the
        application takes.
        """
        for argument in arguments:
            _check_argument(argument)
        answer = await self.command("EXEC", application, ",".join(arguments), timeout_s=timeout_s)
        result = self._result(answer, f"EXEC {application}")
        if result == "-2":
            raise AgiCommandFailed(f"Asterisk has no application {application}")
        if result == "-1":
            self._failed(f"{application} failed, or the channel hung up in it")
        return result

    async def command(self, *words: str, timeout_s: float | None = None) -> tuple[int, str]:
        """Send one AGI command, return status code and text ("result=1 (value)").

        Words are quoted; one with CR, LF or NUL raises AgiBadValue and nothing is sent. After
        AgiTimeout the session stays usable: the late answer is thrown away.
        """
        line = " ".join(map(_quoted, words))
        match = _ANSWER.match(await self.send_command(line, timeout_s))
        return (int(match[1]), match[2]) if match else (0, "")

    async def send_command(self, command: str, timeout_s: float | None = None) -> str:
        """Send one finished line and return the whole answer; `command` is the one to use."""
        line = _encoded(command)
        self._sent += 1
        if self._sent > self._limits.commands:
            raise AgiCommandFailed(
                f"more than {self._limits.commands} commands in one FastAGI session"
            )
        limit_s = self._limits.command_timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._link.send(line)
        except TimeoutError:
            verb = " ".join(command.split(" ")[:2])
            raise AgiTimeout(f"Asterisk did not answer {verb} within {limit_s} s") from None

    def _result(self, answer: tuple[int, str], what: str) -> str:
        code, text = answer
        if code == 511:  # "Command Not Permitted on a dead channel"
            raise AgiHungUp(f"the channel hung up before {what}")
        match = _RESULT.search(text)
        if code != 200 or match is None:
            raise AgiCommandFailed(f"Asterisk refused {what}: {code} {text}")
        return match[1]

    def _failed(self, sentence: str) -> None:
        raise AgiHungUp(sentence) if self.hung_up.is_set() else AgiCommandFailed(sentence)


def _quoted(word: str) -> str:
    return word if _PLAIN_WORD.match(word) else f'"{word.translate(_ESCAPED)}"'


def _encoded(command: str) -> bytes:
    if any(char in command for char in "\r\n\0"):
        raise AgiBadValue("a line break or NUL cannot be sent to Asterisk; remove it")
    try:
        line = command.encode() + b"\n"
    except UnicodeEncodeError as error:
        raise AgiBadValue("broken Unicode cannot be sent to Asterisk") from error
    if len(line) > COMMAND_BYTES:
        raise AgiBadValue(f"an AGI command of {len(line)} bytes; Asterisk reads {COMMAND_BYTES}")
    return line


def _check_argument(argument: str) -> None:
    depth = 0
    for char in argument:
        depth += (char == "(") - (char == ")")
        if char in '"\\' or depth < 0 or (char == "," and depth == 0):
            raise AgiBadValue(f"{char!r} would split an application's argument; pass it apart")
    if depth:
        raise AgiBadValue("an application's argument has an open parenthesis")


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.rstrip("\r").partition(": ")
        if colon:
            # The first one counts: caller's texts come after the script's name.
            headers.setdefault(name, value)
    return headers


class _Application(fast_agi.Application):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's route table with coroutines only, and a session that always ends."""

    def add_route(self, path: str, endpoint: Route) -> None:
        _check_route(path, endpoint)
        super().add_route(path, endpoint)

    async def handler(self, reader: _Link, writer: _Link) -> None:
        """Run one session whose headers are complete; the link ends with it."""
        session = AgiSession(self, reader.headers or {}, reader)
        route: Route | None = self._route.get(session.script)
        result = HUNG_UP  # a route that is cancelled: the server closes
        try:
            result = await _run(route, session)
        finally:
            reader.server.ended(reader, session.script if route else "", result)
            writer.close()


async def _run(route: Route | None, session: AgiSession) -> str:
    """The route's result; whatever it raises ends only this session."""
    bound = {"script": session.script, "unique_id": session.unique_id}
    if route is None:
        log.error("agi_no_such_route", **bound)
        return NO_ROUTE
    try:
        await route(session)
    except AgiHungUp:
        log.debug("agi_hung_up", **bound)
        return HUNG_UP
    except AgiError as error:
        log.warning("agi_session_failed", reason=str(error), **bound)
        return FAILED
    except Exception:
        log.exception("agi_handler_failed", **bound)
        return ERROR
    return DONE


def _check_route(path: str, endpoint: Any) -> None:
    if not inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"the FastAGI route {path!r} must be a coroutine function (async def)")


class AgiServer:
    """A FastAGI server; `routes` maps a script's path to its coroutine.

    An exception in a route ends only its session. `port` 0 takes a free one. Raises TypeError for a
    route that is not a coroutine function.
    """

    def __init__(
        self, host: str, port: int, routes: Mapping[str, Route], limits: AgiLimits = AgiLimits()
    ) -> None:
        for path, endpoint in routes.items():
            _check_route(path, endpoint)
        self.limits = limits
        self.note: Callable[[str, Mapping[str, object]], None] = lambda kind, fields: None
        """Told of every session's headers, lines and end."""
        self.on_end: Callable[[str, str, float], None] = lambda script, result, seconds: None
        """Told once of every session: its route ("" without one), one of RESULTS, how long."""
        self.refused = 0
        self._host = host
        self._port = port
        self._routes = dict(routes)
        self._application: _Application | None = None
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()

    @property
    def port(self) -> int:
        """The port that is listened on; before `start` the one that was asked for."""
        return self._port

    @property
    def sessions(self) -> int:
        """Sessions now: connections that are open or whose route still runs."""
        return len(self._links)

    async def start(self) -> None:
        """Listen. Raises AgiError where the address cannot be taken."""
        loop = asyncio.get_running_loop()
        self._application = _Application(loop=loop)
        for path, endpoint in self._routes.items():
            self._application.add_route(path, endpoint)
        try:
            self._server = await loop.create_server(
                lambda: _Link(self), self._host, self._port, backlog=BACKLOG
            )
        except OSError as error:
            raise AgiError(
                f"FastAGI cannot listen on {self._host}:{self._port} ({error.strerror or error}); "
                "stop the program that uses the port, or set another port"
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self, grace_s: float) -> None:
        """Take no more sessions, let the running ones end for `grace_s`, then cancel them."""
        if self._server is None:
            return
        self._server.close()
        for link in [link for link in self._links if link.task is None]:
            link.close()
        tasks = [link.task for link in self._links if link.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for link in list(self._links):
            link.close()
        self._server = None

    def protocol(self) -> asyncio.Protocol:
        """One session's protocol, for a connection that did not come over the port."""
        return _Link(self)

    def admit(self, link: _Link) -> bool:
        """Count a new connection; False where there are too many, or the server is closing."""
        if self._server is None or len(self._links) >= self.limits.sessions:
            self.refused += 1
            return False
        self._links.add(link)
        return True

    def serve(self, link: _Link) -> asyncio.Task[None]:
        """Run the route of a link whose headers are complete."""
        assert self._application is not None  # links exist only after start
        task = asyncio.get_running_loop().create_task(
            self._application.handler(link, link), name="agi-session"
        )
        task.add_done_callback(lambda _: self.forget(link))
        return task

    def ended(self, link: _Link, script: str, result: str) -> None:
        """A session has its result: its route ended, or it never had one."""
        seconds = asyncio.get_running_loop().time() - link.begun
        self.on_end(script, MALFORMED if link.dropped else result, seconds)

    def forget(self, link: _Link) -> None:
        """Drop a session when both its connection and its route have ended."""
        if link.lost and (link.task is None or link.task.done()):
            self._links.discard(link)
