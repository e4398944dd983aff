"""The AMI client: one connection to Asterisk's manager, typed events out, actions in.

Built on panoramisk 1.4 through its own extension points (`AMIProtocol`, `Manager`, `Action`).
Comments "row N" point at the table of defects in docs/reference/panoramisk.md that the line cures.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from dialer.asterisk.ami_actions import AmiActions
from dialer.asterisk.ami_keeper import AmiState, LinkKeeper
from dialer.asterisk.ami_wire import (
    AmiBadValue,
    AmiDisconnected,
    AmiError,
    AmiRefused,
    AmiSettings,
    AmiTimeout,
    FieldValue,
    MessageReader,
    OriginateRequest,
    WireError,
    check_fields,
    event_name,
    read_fields,
)
from dialer.asterisk.events import EVENT_NAMES, MalformedEvent, parse
from dialer.replay.recorder import Sink

__all__ = [
    "AmiBadValue",
    "AmiClient",
    "AmiDisconnected",
    "AmiError",
    "AmiRefused",
    "AmiSettings",
    "AmiState",
    "AmiTimeout",
    "OriginateRequest",
]

log = structlog.get_logger(__name__)

_WANTED = frozenset(name.encode() for name in EVENT_NAMES)
# These carry an ActionID without being items of a list; a UserEvent's may even be a person's text.
_NEVER_LISTED = frozenset({"OriginateResponse", "UserEvent"})


class _OneAnswer(Action):  # type: ignore[misc]  # panoramisk has no types
    """Settles on the Response, whatever it says (rows 4 and 5)."""

    def add_message(self, message: Message) -> bool:
        if not self.future.done():
            self.future.set_result(message)
        return True


class _ListAnswer(Action):  # type: ignore[misc]
    """Collects the items of a list until `EventList: Complete`, at most `limit` (row 7)."""

    def __init__(self, fields: Mapping[str, FieldValue], limit: int) -> None:
        super().__init__(fields)
        self.items_found: list[Mapping[str, str]] = []
        self._limit = limit

    def add_message(self, message: Message) -> bool:
        """The Response: an error, or a success that announces no list, ends it here."""
        follows = message.success and message.get("EventList", "").lower() == "start"
        return not follows and self._settle(message)

    def add_item(self, fields: Mapping[str, str]) -> bool:
        """True when the list is over."""
        end = fields.get("EventList", "").lower()
        if end == "complete":
            return self._settle(Message({"Response": "Success"}))
        if end:
            return self._settle(Message({"Response": "Error", "Message": f"list {end}"}))
        self.items_found.append(fields)
        if len(self.items_found) <= self._limit:
            return False
        text = f"more than {self._limit} items"
        return self._settle(Message({"Response": "Error", "Message": text}))

    def _settle(self, answer: Message) -> bool:
        if not self.future.done():
            self.future.set_result(answer)
        return True


class _Protocol(AMIProtocol):  # type: ignore[misc]
    """panoramisk's protocol with our reading, checking and ending of the stream."""

    def __init__(self, link: "_Link", max_message_bytes: int) -> None:
        self._link = link
        self._max_bytes = max_message_bytes
        self._reader = MessageReader(max_message_bytes)
        self._open_lists: set[str] = set()
        self.last_byte_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Bytes and even the end of the link may come before Manager has set its own factory.
        self.factory = self._link
        self.last_byte_at = self._link.loop.time()

    def data_received(self, data: bytes) -> None:
        self.last_byte_at = self._link.loop.time()
        try:
            messages = self._reader.feed(data)
        except WireError as error:  # row 19
            self._link.lose(str(error))
            return
        self.version = self._reader.banner
        for message in messages:
            if self.closed:
                return
            try:
                self._read(message)
            except Exception:  # row 3: one bad message costs neither the link nor its neighbours
                log.exception("ami_message_failed", size_bytes=len(message))

    def _read(self, message: bytes) -> None:
        name = event_name(message)
        if name is not None and name not in _WANTED and not self._open_lists:
            return
        fields = read_fields(message)
        self._link.note("ami_in", fields)
        # Row 5: OriginateResponse has a Response header too, so `Event` is tested first.
        if "Event" in fields:
            self._read_event(fields)
        elif "Response" in fields:
            self.handle_message(Message(fields))

    def _read_event(self, fields: Mapping[str, str]) -> None:
        action_id = fields.get("ActionID")
        if action_id is None or fields["Event"] in _NEVER_LISTED:
            self.factory.dispatch(fields)
            return
        pending = self.responses.get(action_id)
        # Items of a list that nobody waits for any more are not news: they are dropped.
        if isinstance(pending, _ListAnswer) and pending.add_item(fields):
            self.forget(pending)

    def send(self, data: Any, as_list: bool | None = None) -> "asyncio.Future[Message]":
        """Raises `AmiDisconnected` (row 13) and `AmiBadValue` (row 2)."""
        if self.closed or self.transport.is_closing():
            raise AmiDisconnected("there is no link to Asterisk")
        action = data if isinstance(data, Action) else _OneAnswer(data)
        check_fields(action)
        if action.id in self.responses:
            raise AmiBadValue(f"ActionID {action.id} is already waiting for its answer")
        if self.transport.get_write_buffer_size() > self._max_bytes:
            self._link.lose("Asterisk stopped reading from its manager connection")
            raise AmiDisconnected("Asterisk stopped reading from its manager connection")
        if isinstance(action, _ListAnswer):
            self._open_lists.add(action.id)
        self._link.note("ami_out", action)
        future: asyncio.Future[Message] = super().send(action, as_list)
        return future

    def forget(self, action: Action) -> None:
        """Row 6: an action that is over, in whatever way, waits for nothing any more."""
        if self.responses.get(action.id) is action:
            del self.responses[action.id]
        self._open_lists.discard(action.id)

    def close(self) -> None:
        """Ends the link at once; what waits for an answer fails and is never replayed (row 1)."""
        pending = list(self.responses.values())
        self.responses.clear()
        self._open_lists.clear()
        for action in pending:
            _fail(action.future)
        super().close()
        # panoramisk closes politely, which on a half-open link never ends.
        self.transport.abort()


def _fail(future: "asyncio.Future[Message]") -> None:
    if not future.done():
        future.set_exception(AmiDisconnected("the link was lost before Asterisk answered"))
        # Marks it as seen: nobody awaits the answer to our own ping.
        future.exception()


class _Link(Manager):  # type: ignore[misc]
    """One connection, from connect to loss; a new one is made for every attempt (row 11)."""

    pinger: Any

    def __init__(self, settings: AmiSettings, client: "AmiClient") -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            host=settings.host,
            port=settings.port,
            username=settings.username,
            secret=settings.secret,
            encoding="utf-8",
            loop=loop,
            protocol_factory=lambda: _Protocol(self, settings.max_message_bytes),
        )
        self._client = client
        self._connecting: asyncio.Task[Any] | None = None
        self._ping: Action | None = None
        self.logged_in: asyncio.Future[Message] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()

    @property
    def last_byte_at(self) -> float:
        return float(self.protocol.last_byte_at)

    @property
    def banner(self) -> str:
        return self.protocol.version or ""

    def connect(self, *args: Any, **kwargs: Any) -> "asyncio.Task[Any]":
        self._connecting = super().connect(*args, **kwargs)
        return self._connecting

    def connection_made(self, f: "asyncio.Future[Any]") -> None:
        """panoramisk wires the protocol and sends the login; retries stay with `AmiClient`."""
        if f.cancelled() or f.exception() is not None:
            return
        if self.lost.done():
            f.result()[0].abort()
            return
        try:
            super().connection_made(f)
        except AmiError as error:
            self.lose(str(error))
        self._stop_pinger()

    def login(self, future: "asyncio.Future[Message]") -> None:
        """Row 9: the answer, good or bad, goes to whoever opened the link."""
        if not future.cancelled() and future.exception() is None and not self.logged_in.done():
            self.logged_in.set_result(future.result())

    def note(self, kind: str, fields: Mapping[str, object]) -> None:
        if self._client.recorder is not None:
            self._client.recorder.note(kind, fields)

    def ping(self) -> None:
        """One ping under way at a time; its answer only has to be bytes (row 8)."""
        if self._ping is not None:
            self.protocol.forget(self._ping)
        self._ping = _OneAnswer({"Action": "Ping"})
        self.send_action(self._ping)

    def dispatch(self, event: Mapping[str, str]) -> None:
        """Row 17: straight to the client, in order of arrival, without tasks."""
        try:
            parsed = parse(event, self._client.clock())
        except MalformedEvent as error:
            log.warning("ami_event_malformed", ami_event=error.name, key=error.key)
            return
        if parsed is not None:
            self._client.take_event(self, parsed)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Rows 10 and 12: no reconnect is planned here."""
        self.lose(f"the link to Asterisk broke: {exc}" if exc else "Asterisk closed the link")

    def lose(self, reason: str) -> None:
        """Ends this link for good. Safe to call again: the first reason stands."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        self.note("ami_lost", {"reason": reason})
        if self._connecting is not None:
            self._connecting.cancel()
        self.close()
        self._client.link_lost(self, reason)

    def _stop_pinger(self) -> None:
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None


class AmiClient(LinkKeeper[_Link], AmiActions):
    """Keeps one link to one Asterisk, for ever, and hands its events over in order of arrival.

    `on_event` is called synchronously; what it raises is logged and costs that event only.
    `on_up` is called when the link is ready; every `on_up` is followed by one `on_down(reason)`.
    """

    recorder: Sink | None = None
    """Where every message goes as well, if anywhere."""
    clock: Callable[[], float] = staticmethod(time.time)
    """Epoch seconds: when an event came."""

    def _new_link(self) -> _Link:
        return _Link(self.settings, self)

    async def action(
        self,
        name: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Mapping[str, str]:
        """The headers of the answer; a header that repeats (`Output`) is joined by newlines.

        Raises `AmiDisconnected` at once when there is no ready link, and when it is lost before the
        answer; `AmiTimeout`, `AmiRefused`, `AmiBadValue`.
        """
        reply = await self._ask(_OneAnswer({**(fields or {}), "Action": name}), timeout_s)
        return {key: value for key, value in reply.items() if key != "content"}

    async def list_action(
        self,
        name: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        timeout_s: float | None = None,
        limit: int = 20_000,
    ) -> list[Mapping[str, str]]:
        """The items of a list, without its closing line. Raises as `action` does.

        More than `limit` items are refused. Asterisk 22.10 answers an empty PJSIP list with an
        error ("No Contacts found"), hence with `AmiRefused`.
        """
        action = _ListAnswer({**(fields or {}), "Action": name}, limit)
        await self._ask(action, timeout_s)
        return action.items_found

    async def _ask(self, action: Action, timeout_s: float | None) -> Message:
        link = self._link
        if self.state is not AmiState.READY or link is None:
            raise AmiDisconnected(f"no link to Asterisk: {self.last_error or self.state.value}")
        limit_s = self.settings.action_timeout_s if timeout_s is None else timeout_s
        protocol, name = link.protocol, action["Action"]
        future = link.send_action(action)
        try:
            async with asyncio.timeout(limit_s):
                reply: Message = await future
        except TimeoutError:
            text = f"Asterisk gave no answer to {name} in {limit_s:g} s; it may still carry it out"
            raise AmiTimeout(text) from None
        finally:
            protocol.forget(action)
        if not reply.success:
            # 22.10 ends some of its messages in a newline of their own ("No Contacts found\n").
            raise AmiRefused(name, reply.get("Message", "").strip())
        return reply
