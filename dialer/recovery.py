"""What is true again after a restart, a lost link, a killed node.

One mechanism for all three: what the controller missed is told to it again as the same events it
would have had. Live channels come from Asterisk, ended ones from the node's CEL journal; an attempt
in neither is lost, and only then its outcome may be `unknown`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog

from campaigns.campaign.modes import BY_HAND
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiClient
from dialer.asterisk.cel import CelJournal, ChannelHistory, summarise
from dialer.attempts import KEYS, OPT_OUTS, UP
from dialer.calls import Attempt, Committing, Lead, Placed
from dialer.controller import Controller
from dialer.lines import Trunk
from dialer.operators import (
    AnyState,
    Connecting,
    Consult,
    Dialing,
    Hold,
    Paused,
    Ready,
    Reserved,
    Seat,
    Talking,
    WrapUp,
)
from dialer.seating import HOLDING, phone_of
from dialer.talk.recall import Recall

log = structlog.get_logger(__name__)

History = Mapping[str, ChannelHistory]

HISTORY_MARGIN_S = 60.0
SETTLE_S = 0.5
"""An Originate that was on the wire when the link died gets its channel within this."""


@dataclass(frozen=True, slots=True)
class NodeTruth:
    """What the node knows: live channels by Uniqueid, histories of channels from its journal."""

    live: Mapping[str, ev.LiveChannel]
    history: Mapping[str, ChannelHistory]
    at: float


def missed_events(
    since: Mapping[str, float], node: NodeTruth, heard: frozenset[str] = frozenset()
) -> list[ev.Event]:
    """PURE. What happened to these channels, as events in order of time.

    `since`: by Uniqueid, what the controller already knows of the channel; earlier events of an
    operator's leg would undo later ones (a return to the holding bridge ends a conversation).
    `heard`: channels of which live events came meanwhile, newer than the list of channels.
    """
    found: list[ev.Event] = []
    talks = _conversation_bridges(node)
    for unique_id, known_until in since.items():
        channel, history = node.live.get(unique_id), node.history.get(unique_id)
        if history is not None:
            past = _from_history(unique_id, history, talks, alive=channel is not None)
            found.extend(event for event in past if event.at > known_until)
        if channel is not None and (history is None or unique_id not in heard):
            found.extend(_from_live(channel, history, talks, node.at))
    return sorted(found, key=lambda event: event.at)


def _talked_of(events: list[ev.Event]) -> frozenset[str]:
    """Channels that these events tell of."""
    return frozenset(getattr(event, "unique_id", None) or "" for event in events)


def _conversation_bridges(node: NodeTruth) -> frozenset[str]:
    """Bridges with a person in them; any other bridge of an operator's leg is the holding one."""
    live = {c.bridge_id for c in node.live.values() if c.bridge_id and _is_person(c.unique_id)}
    past = {
        stay.bridge_id
        for history in node.history.values()
        if _is_person(history.unique_id)
        for stay in history.bridged
    }
    return frozenset(live | past)


def _is_person(unique_id: str) -> bool:
    """Neither an operator's own leg nor a third party: those wait in holding bridges."""
    return not unique_id.startswith(("op-", "th-"))


def _from_history(
    unique_id: str, history: ChannelHistory, talks: frozenset[str], *, alive: bool
) -> Iterator[ev.Event]:
    name, linked = history.channel, history.linked_id
    if history.created_at is not None:
        yield ev.ChannelCreated(history.created_at, unique_id, linked, name, 0, "s", "")
    if history.answered_at is not None:
        yield ev.ChannelState(history.answered_at, unique_id, linked, name, UP)
    for stay in history.bridged:
        if stay.entered_at is not None:
            yield _entered(stay.entered_at, unique_id, linked, name, stay.bridge_id, talks)
    for user in history.user_events:
        if user.name == "PROZVON_ABANDONED":
            yield ev.UserEvent(user.at, "ProzvonAbandoned", {"Attempt": unique_id}, unique_id)
    if history.hangup_at is not None and not alive:
        cause = history.cause or 0
        yield ev.Hangup(history.hangup_at, unique_id, linked, name, 0, cause, "", "")


def _from_live(
    channel: ev.LiveChannel, history: ChannelHistory | None, talks: frozenset[str], at: float
) -> Iterator[ev.Event]:
    uid, linked, name = channel.unique_id, channel.linked_id, channel.channel
    if history is None:
        yield ev.ChannelCreated(at - channel.duration_s, uid, linked, name, 0, channel.exten, "")
    if history is None or history.answered_at is None:
        yield ev.ChannelState(at, uid, linked, name, channel.state)
    if channel.bridge_id:
        entered = _bridged_at(channel, history, at)
        yield _entered(entered, uid, linked, name, channel.bridge_id, talks)


def _bridged_at(channel: ev.LiveChannel, history: ChannelHistory | None, at: float) -> float:
    """When the live channel entered the bridge it is in: known from the journal."""
    for stay in reversed(history.bridged if history else ()):
        if stay.bridge_id == channel.bridge_id and stay.entered_at is not None:
            return stay.entered_at
    return at


def _entered(
    at: float, uid: str, linked: str, name: str, bridge_id: str, talks: frozenset[str]
) -> ev.Event:
    technology = "simple_bridge" if bridge_id in talks else HOLDING
    return ev.BridgeEntered(at, uid, linked, name, bridge_id, "base", technology, 1)


async def node_truth(
    ami: AmiClient, journal: CelJournal | None, since: float, at: float
) -> NodeTruth:
    """Asks the node. The journal is read in a thread: it may be large."""
    items = await ami.list_action("CoreShowChannels", timeout_s=10)
    channels = [ev.live_channel(item) for item in items]
    history: Mapping[str, ChannelHistory] = {}
    if journal is not None:
        history = await asyncio.to_thread(lambda: summarise(journal.read(since)))
    return NodeTruth({c.unique_id: c for c in channels}, history, at)


class Recovery:
    """Brings the board to the truth of node and database.

    From the moment the link is up until the replay, live events are held back: applied before what
    was missed, they would end calls whose middle nobody knew.
    """

    def __init__(
        self, controller: Controller, journal: CelJournal | None, known_until: float | None
    ) -> None:
        """`known_until`: when the last controller of this floor was alive, if there was one."""
        self._controller, self._journal = controller, journal
        self._known_until = known_until if known_until is not None else controller.clock()
        self._lock = asyncio.Lock()
        self._held: list[ev.Event] | None = None
        self.recall: Recall | None = None
        self.past: Callable[[History], History] = lambda found: found
        """Told what the journal has; gives what is to be believed of it."""
        self.problem = ""

    def on_event(self, event: ev.Event) -> None:
        """Every event of the node comes here first."""
        if self._held is not None:
            self._held.append(event)
        else:
            self._controller.on_event(event)

    def link_up(self) -> None:
        """The link is there (or an answer did not come); what was missed is not known yet."""
        if self._controller.board.recovered:
            self._known_until = self._controller.clock()
        self._controller.board.recovered = False
        if self._held is None:
            self._held = []

    def link_down(self) -> None:
        """From now on nobody watches. What rings meanwhile is not in the journal either."""
        board = self._controller.board
        if board.recovered:
            self._known_until = self._controller.clock()
        board.recovered = False
        for attempt in tuple(board.attempts.values()):
            if isinstance(attempt, Placed):
                board.attempts[attempt.id] = attempt.unwatched()

    async def restore(self) -> None:
        """At the start: open shifts and attempts as the last controller knew them."""
        store, board = self._controller.store, self._controller.board
        await store.release_stale_leads()
        for row in await store.open_shifts():
            self._controller.seating.restore(_seat(row))
        for row in await store.open_attempts():
            attempt = _attempt(row)
            board.attempts[attempt.id] = attempt
            # A trunk that left the settings still has its calls, and takes no new ones.
            name = row["trunk"]
            board.trunks.setdefault(name, Trunk(name, row["trunk_id"], 0, 1)).used += 1
        log.info("restored", shifts=len(board.seats), attempts=len(board.attempts))

    async def reconcile(self) -> None:
        """After every (re)connection of the manager link: replays what was missed.

        Asked for by several at once, it is done once. Raises what node and journal raise; then
        events stay held, nothing is dialed, and it must be called again.
        """
        async with self._lock:
            if self._held is None:
                return
            try:
                await self._reconcile()
            except Exception as error:
                self._held = self._held or []
                self.problem = f"cannot find out what is live on the node: {error!r}"
                raise
            self.problem = ""
            # Asked for again meanwhile: the next one is about to begin.
            self._controller.board.recovered = self._held is None
            self._controller.seating.call_missing_phones()
            self._controller.wake()

    async def _reconcile(self) -> None:
        controller, board = self._controller, self._controller.board
        await asyncio.sleep(SETTLE_S)
        now = controller.clock()
        asked = [str(a.id) for a in board.attempts.values() if not isinstance(a, Committing)]
        node = await node_truth(controller.ami, self._journal, self._since(now), now)
        node = replace(node, history=self.past(node.history))
        self._adopt_legs(node)
        if self.recall is not None:
            self.recall.before(node.live, now)
        legs = {s.leg_id: s.state.since for s in board.seats.values() if s.leg_id}
        held, self._held = self._held or [], None
        thirds = dict.fromkeys(self.recall.thirds() if self.recall else (), self._known_until)
        since = {**legs, **thirds, **dict.fromkeys(asked, 0.0)}
        missed = missed_events(since, node, _talked_of(held))
        for event in sorted([*missed, *held], key=lambda event: event.at):
            controller.on_event(event)
        lost = [uid for uid in asked if uid not in node.live]
        legs_lost = [uid for uid in legs if uid not in node.live]
        alive = await self._look_again([*lost, *legs_lost])
        self._end_lost([uid for uid in lost if uid not in alive], node)
        self._recall_lost([uid for uid in legs_lost if uid not in alive], node.at)
        self._hang_up_strays(node)
        self._settle_seats(node)
        if self.recall is not None:
            self.recall.after(node.live)
        await self._collect_opt_outs()
        await self._collect_keys()
        log.info("reconciled", live=len(node.live), asked=len(asked), held=len(held))

    def _since(self, now: float) -> float:
        """The journal is read from when somebody last watched, or the oldest open call."""
        starts = [a.placed_at for a in self._controller.board.attempts.values()]
        return min([*starts, self._known_until, now]) - HISTORY_MARGIN_S

    async def _look_again(self, missing: list[str]) -> frozenset[str]:
        """Who of those is there after all: a node that was stalled answers the question before it
        has begun the calls that were asked for earlier."""
        if not any(self._is_open(uid) for uid in missing):
            return frozenset()
        await asyncio.sleep(SETTLE_S)
        items = await self._controller.ami.list_action("CoreShowChannels", timeout_s=10)
        return frozenset(ev.live_channel(item).unique_id for item in items)

    def _is_open(self, unique_id: str) -> bool:
        board = self._controller.board
        return unique_id in board.legs or board.attempt_of_channel(unique_id) is not None

    def _adopt_legs(self, node: NodeTruth) -> None:
        """After a restart a shift's leg is found by the shift's id: a live one, else the last."""
        past = sorted(node.history, key=lambda uid: node.history[uid].created_at or 0.0)
        for seat in self._controller.board.seats.values():
            if seat.leg_id:
                continue
            # Rung for each call, the last leg is mostly one that has ended as it should.
            known = () if _rests(seat) else past
            mine = [uid for uid in (*known, *node.live) if uid.startswith(f"op-{seat.shift_id}")]
            if mine:
                seat.leg_id = mine[-1]
                self._controller.board.legs[seat.leg_id] = seat.login
                live = node.live.get(seat.leg_id)
                if live is not None:
                    legs = self._controller.seating.legs
                    legs.adopt(seat.leg_id, live.channel, node.at)
                if live is not None and live.state == UP:  # in no bridge while it hears ringing
                    seat.channel = live.channel

    def _end_lost(self, missing: list[str], node: NodeTruth) -> None:
        """In neither: the node died with the channel, or the Originate never arrived."""
        for unique_id in missing:
            attempt = self._controller.board.attempt_of_channel(unique_id)
            if attempt is None:
                continue
            history = node.history.get(unique_id)
            log.warning("attempt_lost", attempt=unique_id, began=history is not None)
            self._controller.attempts.end(attempt.lost(node.at, known_dead=history is not None))

    def _recall_lost(self, missing: list[str], at: float) -> None:
        """Operators whose leg is gone without a Hangup in the journal, or who never had one."""
        for seat in tuple(self._controller.board.seats.values()):
            if seat.leg_id in missing:
                self._controller.on_event(
                    ev.Hangup(at, seat.leg_id, "", seat.channel, 0, 0, "", "")
                )
            elif not seat.leg_id:
                self._controller.seating.phone_missing(seat, at)

    def _hang_up_strays(self, node: NodeTruth) -> None:
        """Legs of shifts that are over."""
        for unique_id, channel in node.live.items():
            if unique_id.startswith("op-") and unique_id not in self._controller.board.legs:
                self._controller.seating.hang_up_stray(channel.channel)

    def _settle_seats(self, node: NodeTruth) -> None:
        """No operator stays in the state of an attempt that is over."""
        board, seating = self._controller.board, self._controller.seating
        for seat in tuple(board.seats.values()):
            attempt_id = seat.state.attempt
            if attempt_id is None or attempt_id in board.attempts:
                continue
            seating.release(seat, attempt_id)
            seating.conversation_ended(seat, node.at, seat.wrap_up_limit_s)

    async def _collect_opt_outs(self) -> None:
        """Keys pressed while no controller listened are kept in the node's own database."""
        for key, _ in await self._kept_on_node(OPT_OUTS):
            try:
                self._controller.attempts.opted_out(UUID(key))
            except ValueError:
                continue

    async def _collect_keys(self) -> None:
        """Answers of a broadcast that came meanwhile, the same way."""
        for entry, key in await self._kept_on_node(KEYS):
            attempt, _, step = entry.partition(".")
            try:
                self._controller.attempts.pressed(UUID(attempt), step, key)
            except ValueError:
                continue

    async def _kept_on_node(self, family: str) -> list[tuple[str, str]]:
        """(last part of the key, value) of entries in the node's own database.

        Raises AmiError: who does not know them would dial people who have opted out.
        """
        items = await self._controller.ami.list_action("DBGetTree", {"Family": family})
        return [(item.get("Key", "").rpartition("/")[2], item.get("Val", "")) for item in items]


def _rests(seat: Seat) -> bool:
    """Has no need of a leg: on call, and busy with no call."""
    return seat.phone.on_call and isinstance(seat.state, Ready | Paused | WrapUp)


def _attempt(row: Any) -> Attempt:
    """An open attempt as the last controller wrote it; nobody watched its ringing since."""
    lead = Lead(
        row["lead_id"],
        row["campaign_id"],
        row["phone"],
        row["approaches"],
        row["failures"],
        row["max_approaches"],
    )
    placed = Placed(
        id=row["id"],
        campaign_id=row["campaign_id"],
        lead=lead,
        trunk=row["trunk"],
        placed_at=row["placed_at"].timestamp(),
        mode=row["mode"],
        dial_operator=row["dial_operator"],
        recording=row["recording"],
        rang_known=False,
    )
    if row["answered_at"] is None:
        return placed
    answered = placed.answered(row["answered_at"].timestamp())
    if row["bridged_at"] is None or row["operator"] is None:
        return answered
    return answered.bridged(row["bridged_at"].timestamp(), row["operator"])


def _seat(row: Any) -> Seat:
    started = row["started_at"].timestamp()
    since = row["state_since"].timestamp() if row["state_since"] else started
    dialed = row["last_dial_at"].timestamp() if row["last_dial_at"] else None
    return Seat(
        operator_id=row["operator_id"],
        login=row["login"],
        shift_id=row["id"],
        started_at=started,
        on_change=lambda change: None,
        state=_state(row, since),
        seq=row["seq"] or 0,
        last_dial_at=dialed,
        legs=_MANY_LEGS,
        skills=frozenset(row["skills"]),
        phone=phone_of(row),
    )


_MANY_LEGS = 1000
"""Legs called after a restart are numbered from here: an earlier number may be in use."""


IN_CALL: dict[str, type[Talking | Hold | Consult]] = {
    "talking": Talking,
    "hold": Hold,
    "consult": Consult,
}


def _state(row: Any, since: float) -> AnyState:
    attempt, name = row["attempt_id"], row["state"]
    if name == "dialing" and attempt:
        return Dialing(since, attempt, since, by_hand=row["attempt_mode"] in BY_HAND)
    if name == "reserved" and attempt:
        return Reserved(since, attempt, since)
    if name in IN_CALL and attempt:
        return IN_CALL[name](since, attempt)
    if name == "wrap_up" and attempt:
        return WrapUp(since, attempt)
    if name == "paused":
        return Paused(since, row["reason"] or "unknown")
    return Ready(since) if name == "ready" else Connecting(since)
