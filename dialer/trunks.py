"""What the node says of the trunks: followed by events, asked once after every connection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from campaigns.refusals import Sentence
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient, AmiError, AmiRefused
from dialer.board import Board
from dialer.lines import Link, Trunk
from dialer.routing import Route
from dialer.tasks import Tasks

log = structlog.get_logger(__name__)

ENDPOINT = "trunk-"
Contact = Literal["", "reachable", "unreachable"]
Registration = Literal["", "registered", "unregistered", "rejected"]

# "NonQualified" and "Created" say nothing; "Removed" is a contact that is gone.
_CONTACTS: dict[str, Contact] = {
    "Reachable": "reachable",
    "Unreachable": "unreachable",
    "Removed": "unreachable",
}
_REGISTRATIONS: dict[str, Registration] = {
    "registered": "registered",
    "rejected": "rejected",
    "unregistered": "unregistered",
    "stopped": "unregistered",
}


def judge(trunk: Trunk, at: float, taken_up: bool | None) -> None:
    """Tells the trunk's breaker what a call over it showed.

    `taken_up`: whether the network took it up; None: nothing can be said of that.
    """
    if taken_up is None:
        trunk.breaker.forgotten()
    elif taken_up:
        trunk.breaker.alive()
    elif trunk.breaker.dead(at):
        log.error(
            "trunk_takes_no_calls",
            trunk=trunk.name,
            pause_s=trunk.breaker.pause_s,
            advice="check the trunk's registration and the provider; a probe call follows",
        )


class TrunkWatch:
    """Keeps `Trunk.link` as the node tells it."""

    def __init__(
        self,
        board: Board,
        ami: AmiClient,
        tasks: Tasks,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._board, self._ami, self._tasks = board, ami, tasks
        self._clock, self._wake = clock, wake

    def contact_changed(self, event: ev.ContactStatusChanged) -> None:
        trunk = self._named(event.endpoint or event.aor)
        status = _CONTACTS.get(event.status)
        if trunk is None or status is None:
            return
        rtt_ms = event.rtt_us / 1000 if event.rtt_us and status == "reachable" else None
        self._set(trunk, replace(trunk.link, contact=status, rtt_ms=rtt_ms))

    def registry_changed(self, event: ev.RegistryChanged) -> None:
        """The event has no name, and two trunks may have the same login: the node is asked."""
        self._tasks.command("registrations", self._ask_registrations(), AmiError)

    async def ask(self) -> None:
        """How the trunks stand now. Raises AmiError."""
        for trunk in tuple(self._board.trunks.values()):
            contact, rtt_ms = await self._contact(trunk)
            self._set(trunk, replace(trunk.link, contact=contact, rtt_ms=rtt_ms))
        await self._ask_registrations()

    async def _ask_registrations(self) -> None:
        states = await self._registered()
        for trunk in self._board.trunks.values():
            state = states.get(f"{ENDPOINT}{trunk.name}", "")
            self._set(trunk, replace(trunk.link, registration=state))

    async def _contact(self, trunk: Trunk) -> tuple[Contact, float | None]:
        """The better of its contacts: Asterisk calls the first one that it can reach."""
        names = await self._function(f"PJSIP_AOR({ENDPOINT}{trunk.name},contact)")
        found: list[tuple[Contact, float | None]] = []
        for name in filter(None, names.split(",")):
            status = _CONTACTS.get(await self._function(f"PJSIP_CONTACT({name},status)"), "")
            rtt_us = await self._function(f"PJSIP_CONTACT({name},rtt)")
            reached = status == "reachable" and rtt_us.isdigit()
            found.append((status, int(rtt_us) / 1000 if reached else None))
        return next((f for f in found if f[0] != "unreachable"), found[0] if found else ("", None))

    async def _function(self, call: str) -> str:
        """Value of a dialplan function; "" where Asterisk knows no such object."""
        with contextlib.suppress(AmiRefused):
            return (await self._ami.action("Getvar", {"Variable": call})).get("Value", "")
        return ""

    async def _registered(self) -> dict[str, Registration]:
        try:
            items = await self._ami.list_action("PJSIPShowRegistrationsOutbound")
        except AmiRefused as error:  # also for an empty list
            log.debug("no_registrations", error=str(error))
            return {}
        return {
            item.get("ObjectName", ""): _REGISTRATIONS.get(item.get("Status", "").lower(), "")
            for item in items
            if item.get("ObjectType") == "registration"
        }

    def _named(self, endpoint: str) -> Trunk | None:
        if not endpoint.startswith(ENDPOINT):
            return None
        return self._board.trunks.get(endpoint.removeprefix(ENDPOINT))

    def _set(self, trunk: Trunk, link: Link) -> None:
        before, trouble = trunk.link.trouble(), link.trouble()
        trunk.link = replace(link, since=self._clock())
        if trouble == before:
            return
        if trouble is not None:
            log.error("trunk_down", trunk=trunk.name, problem=trouble.en)
        else:
            log.info("trunk_up", trunk=trunk.name, was=before.en if before else "")
        self._wake()


@dataclass(frozen=True, slots=True)
class TrunkView:
    """One trunk as people see it. `trouble` and `trouble_ru` are "" when it takes calls;
    times in milliseconds or seconds as named."""

    name: str
    state: Literal["up", "down", "breaker"]
    trouble: str
    trouble_ru: str
    contact: str
    rtt_ms: float | None
    registration: str
    lines: int
    lines_used: int
    calls_per_second: float
    breaker_open: bool
    dead_in_row: int
    probe_in_s: float | None
    routes: tuple[Route, ...]


def trunk_views(board: Board, now: float) -> list[TrunkView]:
    return [_view(board, trunk, now) for trunk in board.trunks.values()]


def _view(board: Board, trunk: Trunk, now: float) -> TrunkView:
    breaker, link = trunk.breaker, trunk.link
    probe = max(0.0, breaker.closed_until_s - now) if breaker.open else None
    down, trouble = link.trouble() is not None, trunk.trouble(now) or Sentence("", "")
    return TrunkView(
        name=trunk.name,
        state="down" if down else "breaker" if breaker.open else "up",
        trouble=trouble.en,
        trouble_ru=trouble.ru,
        contact=link.contact or "unknown",
        rtt_ms=link.rtt_ms,
        registration=link.registration or "none",
        lines=trunk.lines,
        lines_used=trunk.used,
        calls_per_second=trunk.calls_per_second,
        breaker_open=breaker.open,
        dead_in_row=breaker.dead_in_row,
        probe_in_s=probe,
        routes=tuple(route for route in board.routes if route.trunk == trunk.name),
    )
