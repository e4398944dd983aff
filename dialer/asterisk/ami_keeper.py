"""Keeping one link alive: connect, log in, watch, reconnect with patience. Knows no bytes."""

import asyncio
import contextlib
import enum
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import structlog

from dialer.asterisk.ami_wire import (
    AmiDisconnected,
    AmiError,
    AmiRefused,
    AmiSettings,
    AmiTimeout,
    backoff_s,
    check_value,
)
from dialer.asterisk.events import Event, FullyBooted

log = structlog.get_logger(__name__)

T = TypeVar("T")

_BOOT_HINT_S = 30.0
_BOOT_HINT = (
    "logged in, but Asterisk has not said FullyBooted: it is still starting, or the manager user "
    "lacks read = system"
)
_CLOSE_TIMEOUT_S = 5.0


class AmiState(enum.Enum):
    """READY = login accepted and Asterisk fully booted; only then actions are taken."""

    CONNECTING = "connecting"
    REFUSED = "refused"
    READY = "ready"
    DOWN = "down"
    CLOSED = "closed"


class LoginAnswer(Protocol):
    """Asterisk's answer to the login."""

    success: bool

    def get(self, key: str, default: str) -> str: ...


class Link(Protocol):
    """One connection, from connect to loss."""

    loop: asyncio.AbstractEventLoop
    lost: "asyncio.Future[str]"

    @property
    def logged_in(self) -> "asyncio.Future[Any]":
        """Result: a `LoginAnswer`."""

    @property
    def last_byte_at(self) -> float:
        """Loop time."""

    @property
    def banner(self) -> str:
        """Asterisk's first line."""

    def connect(self) -> "asyncio.Task[Any]": ...

    def ping(self) -> None: ...

    def lose(self, reason: str) -> None: ...


L = TypeVar("L", bound=Link)


async def _before_loss(wanted: "asyncio.Future[T]", lost: "asyncio.Future[str]") -> T:
    """The wanted result, or `AmiDisconnected` when the link ends first."""
    either: set[asyncio.Future[Any]] = {wanted, lost}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if wanted.done() and not wanted.cancelled():
        return wanted.result()
    raise AmiDisconnected(lost.result())


class LinkKeeper(ABC, Generic[L]):
    """One link at a time, for ever. See `AmiClient`."""

    def __init__(
        self,
        settings: AmiSettings,
        *,
        on_event: Callable[[Event], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        rng: random.Random | None = None,
    ) -> None:
        """Raises `AmiBadValue` for a username or secret that cannot be sent."""
        check_value("Username", settings.username)
        check_value("Secret", settings.secret)
        self.settings = settings
        self.state = AmiState.DOWN
        self.reconnects = 0
        self.last_error = ""
        self.asterisk_banner = ""
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._rng = rng or random.Random()  # noqa: S311 (jitter, not secrecy)
        self._link: L | None = None
        self._running = False
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failures = 0
        self._up_since: float | None = None
        self._was_up = False

    @abstractmethod
    def _new_link(self) -> L:
        """A link that is not connected yet."""

    async def run(self) -> None:
        """Connect, serve, connect again, until cancelled or closed. Once per client (row 11)."""
        if self._running or self._is_closed():
            raise RuntimeError("this AMI client runs already or has been closed")
        self._running = True
        try:
            while not self._is_closed():
                await self._pause(await self._one_link())
        finally:
            self._set_state(AmiState.CLOSED)
            self._ended.set()

    async def close(self) -> None:
        """Ends the link and every plan to make another (row 12)."""
        self._set_state(AmiState.CLOSED)
        self._hurry.set()
        if self._link is not None:
            self._link.lose("the dialer closed the link")
        if self._running:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._ended.wait()

    def retry_now(self) -> None:
        """Cut the present wait short, e.g. after the secret was put right."""
        if self.state in (AmiState.DOWN, AmiState.REFUSED):
            self._hurry.set()

    async def wait_ready(self, timeout_s: float) -> None:
        """Returns when actions are taken. Raises `AmiTimeout`, or `AmiDisconnected` if closed."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.state not in (AmiState.READY, AmiState.CLOSED):
                    await self._changed.wait()
        except TimeoutError:
            why = self.last_error or "Asterisk has not finished starting"
            raise AmiTimeout(f"no ready link to Asterisk in {timeout_s:g} s: {why}") from None
        if self._is_closed():
            raise AmiDisconnected("the link to Asterisk is closed")

    async def _one_link(self) -> float:
        """One connection from start to end; how many seconds to wait before the next."""
        self._set_state(AmiState.CONNECTING)
        self._hurry.clear()
        link = self._link = self._new_link()
        try:
            await self._log_in(link)
            await self._watch(link)
        except AmiRefused as refused:
            return self._refused(link, refused)
        except (AmiError, OSError) as error:
            link.lose(self._connect_problem(error))
        finally:
            link.lose("the dialer stopped")
        delay_s = backoff_s(self._failures, self.settings, self._rng)
        self._failures += 1
        return delay_s

    async def _log_in(self, link: L) -> None:
        async with asyncio.timeout(self.settings.connect_timeout_s):
            await _before_loss(link.connect(), link.lost)
            reply: LoginAnswer = await _before_loss(link.logged_in, link.lost)
        if not reply.success:
            raise AmiRefused("the login", reply.get("Message", ""))

    def _connect_problem(self, error: Exception) -> str:
        where = f"{self.settings.host}:{self.settings.port}"
        if isinstance(error, AmiError):
            return str(error)
        if isinstance(error, TimeoutError):
            return f"{where} gave no answer to the login in {self.settings.connect_timeout_s:g} s"
        return f"cannot reach Asterisk's manager at {where} ({error}): is Asterisk running there?"

    def _refused(self, link: L, refused: AmiRefused) -> float:
        name, pause_s = self.settings.username, self.settings.refused_retry_s
        sentence = (
            f"Asterisk refused the AMI login of {name!r} ({refused.message}): compare the secret "
            f"with manager.conf; next try in {pause_s:g} s"
        )
        link.lose(sentence)
        # Asterisk closes the link right after its refusal, so that may already be the reason.
        self.last_error = sentence
        if not self._is_closed():
            self._set_state(AmiState.REFUSED)
        log.error("ami_login_refused", username=name, reason=refused.message, retry_s=pause_s)
        return pause_s

    async def _watch(self, link: L) -> None:
        """Pings, and drops the link when nothing has come for too long (row 8)."""
        loop, interval_s = link.loop, self.settings.ping_interval_s
        boot_hint_at = loop.time() + _BOOT_HINT_S
        while not link.lost.done():
            due = loop.time() + interval_s
            link.ping()
            await asyncio.wait({link.lost}, timeout=interval_s)
            # When we ourselves were stalled, bytes may lie unread: that silence is ours.
            stalled = loop.time() - due > interval_s
            silence_s = loop.time() - link.last_byte_at
            if silence_s > self.settings.silence_limit_s and not stalled:
                link.lose(f"Asterisk has been silent for {silence_s:.1f} s")
            if self.state is AmiState.CONNECTING and loop.time() > boot_hint_at:
                boot_hint_at = float("inf")
                self.last_error = _BOOT_HINT
                log.warning("ami_not_booted", reason=_BOOT_HINT)

    async def _pause(self, delay_s: float) -> None:
        """Waits, unless closed or hurried."""
        if not self._is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._hurry.wait()

    def _is_closed(self) -> bool:
        return self.state is AmiState.CLOSED

    def _set_state(self, state: AmiState) -> None:
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    def take_event(self, link: L, event: Event) -> None:
        """An event of the present link; called by the link."""
        if isinstance(event, FullyBooted) and self.state is AmiState.CONNECTING:
            self._up(link)
        _isolated(self._on_event, event)

    def _up(self, link: L) -> None:
        self._up_since = link.loop.time()
        self.reconnects += self._was_up
        self._was_up = True
        self.last_error = ""
        self.asterisk_banner = link.banner
        self._set_state(AmiState.READY)
        log.info("ami_ready", banner=self.asterisk_banner, reconnects=self.reconnects)
        _isolated(self._on_up)

    def link_lost(self, link: L, reason: str) -> None:
        """Called once by a link that ends."""
        if not self._is_closed():
            self._set_state(AmiState.DOWN)
            self.last_error = reason
            log.warning("ami_down", reason=reason)
        if self._up_since is None:
            return
        # A link that breaks soon after it came up is no success: the waits go on growing.
        if link.loop.time() - self._up_since >= self.settings.reconnect_max_s:
            self._failures = 0
        self._up_since = None
        _isolated(self._on_down, reason)


def _isolated(callback: Callable[..., None], *args: object) -> None:
    """Row 3: what a callback raises is logged and stays with this one call."""
    try:
        callback(*args)
    except Exception:
        log.exception("ami_callback_failed", given=[type(a).__name__ for a in args])
