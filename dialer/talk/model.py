"""PURE. Where a person is when not simply talking with one operator.

No `Talk` at all means the plain case: one operator and the person in one bridge.

    (plain) -> Held <-> Consulting <-> ThreeWay
       |        |           |             |
       +--------+-----------+-------------+--> Joining -> (plain, with the same or another operator)
       |        |           |             |       |
       +--------+--> Waiting (parked, for a group, for anyone), Leaving -> WithThird

Every state is one frozen dataclass and every change a method of it, so what is not there cannot be
done. In each of them the person hears somebody or music, never nothing (`Talk.hears`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class Hears(StrEnum):
    """What the person has in the ear."""

    MUSIC = "music"
    OPERATOR = "operator"
    THIRD = "third"
    BOTH = "both"


class Why(StrEnum):
    """Why a person hears music; also the extension in the dialplan's `prozvon-music`."""

    HOLD = "hold"
    CONSULT = "consult"
    PARK = "park"
    TRANSFER = "transfer"
    SEEK = "seek"


@dataclass(frozen=True, slots=True, kw_only=True)
class Third:
    """Who else is in it: an operator (`login`), or a number called over `trunk`.

    `channel` is the name on the node ("" until it exists), `call_id` the Uniqueid.
    """

    call_id: str
    channel: str = ""
    login: str | None = None
    trunk: str = ""
    placed_at: float = 0.0
    up: bool = False
    rang: bool = False

    def seen(self, channel: str) -> Third:
        return replace(self, channel=channel)

    def ringing(self) -> Third:
        """The network took the call up."""
        return replace(self, rang=True)

    def answered(self, channel: str) -> Third:
        return replace(self, channel=channel, up=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What every state knows: whose person it is (a login), and since when this state lasts."""

    attempt: UUID
    operator: str
    since: float
    hears: ClassVar[Hears]
    name: ClassVar[str]

    @property
    def party(self) -> Third | None:
        return None

    def keeps(self, login: str) -> bool:
        """Whether this operator is in it although not in a bridge with the person."""
        return login == self.operator or (self.party is not None and self.party.login == login)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Talk):
    """Music until the operator comes back."""

    hears = Hears.MUSIC
    name = "held"

    def resume(self, at: float) -> Joining:
        return _joining(self, at, self.operator)

    def consult(self, at: float, third: Third) -> Consulting:
        return Consulting(attempt=self.attempt, operator=self.operator, since=at, third=third)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithParty(Talk):
    third: Third

    @property
    def party(self) -> Third | None:
        return self.third

    def leave(self, at: float) -> Joining | WithThird:
        """Person and third party go on without the operator."""
        if self.third.login is not None:
            return _joining(self, at, self.third.login, "transfer")
        return WithThird(attempt=self.attempt, operator=self.operator, since=at, third=self.third)

    def cancel(self, at: float) -> Joining:
        """The third party is let go; operator and person go on."""
        return _joining(self, at, self.operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulting(_WithParty):
    """The operator speaks with (or calls) the third party; `aside`: and the person hears music.

    Not `aside`: the operator is back with the person for a moment, the third party hears music.
    """

    aside: bool = True
    name = "consulting"

    @property
    def hears(self) -> Hears:  # type: ignore[override]
        return Hears.MUSIC if self.aside else Hears.OPERATOR

    def seen(self, channel: str) -> Consulting:
        return replace(self, third=self.third.seen(channel))

    def answered(self, channel: str) -> Consulting:
        return replace(self, third=self.third.answered(channel))

    def toggle(self, at: float) -> Consulting:
        return replace(self, since=at, aside=not self.aside)

    def three_way(self, at: float) -> ThreeWay:
        return ThreeWay(attempt=self.attempt, operator=self.operator, since=at, third=self.third)

    def third_gone(self, at: float) -> Held | None:
        """None: the operator is with the person already."""
        return Held(attempt=self.attempt, operator=self.operator, since=at) if self.aside else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeWay(_WithParty):
    """Everybody hears everybody."""

    hears = Hears.BOTH
    name = "three_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining(Talk):
    """The person is on the way to `to` (a login), at most seconds, with music.

    `how` names the beginning of the new part of the conversation; "" for the same operator.
    """

    to: str
    how: str = ""
    hears = Hears.MUSIC
    name = "joining"

    def keeps(self, login: str) -> bool:
        return login == self.to

    def failed(self, at: float) -> Waiting:
        """The one it was meant for cannot be reached: anyone may take the person."""
        return seeking(self.attempt, self.operator, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Talk):
    """Nobody's at the moment: parked, waiting for a group, or for anyone (`logins` None)."""

    why: Why
    logins: frozenset[str] | None = None
    hears = Hears.MUSIC
    name = "waiting"

    def keeps(self, login: str) -> bool:
        return False

    def taken(self, at: float, login: str, how: str) -> Joining:
        return _joining(self, at, login, how)

    def seek(self, at: float) -> Waiting:
        """The limit passed: whoever parked the person, or anyone who is free."""
        return seeking(self.attempt, self.operator, at)

    def wants(self, login: str) -> bool:
        """Whether this free operator is given the person without being asked."""
        if self.why is Why.PARK:
            return False
        return self.logins is None or login in self.logins


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving(_WithParty):
    """Transferred to a number that has not answered yet; the operator is out of it."""

    hears = Hears.MUSIC
    name = "leaving"

    def keeps(self, login: str) -> bool:
        return False

    def seen(self, channel: str) -> Leaving:
        return replace(self, third=self.third.seen(channel))

    def answered(self, at: float, channel: str) -> WithThird:
        third = self.third.answered(channel)
        return WithThird(attempt=self.attempt, operator=self.operator, since=at, third=third)

    def third_gone(self, at: float) -> Waiting:
        return seeking(self.attempt, self.operator, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithThird(Talk):
    """Talks with a third party on a trunk; no operator is in it any more."""

    third: Third
    hears = Hears.THIRD
    name = "with_third"

    @property
    def party(self) -> Third | None:
        return self.third

    def keeps(self, login: str) -> bool:
        return False

    def failed(self, at: float) -> Waiting:
        return seeking(self.attempt, self.operator, at)


AnyTalk = Held | Consulting | ThreeWay | Joining | Waiting | Leaving | WithThird


def held(attempt: UUID, operator: str, at: float) -> Held:
    return Held(attempt=attempt, operator=operator, since=at)


def waiting(
    attempt: UUID, operator: str, at: float, why: Why, logins: frozenset[str] | None = None
) -> Waiting:
    return Waiting(attempt=attempt, operator=operator, since=at, why=why, logins=logins)


def seeking(attempt: UUID, operator: str, at: float) -> Waiting:
    return waiting(attempt, operator, at, Why.SEEK)


def joining(attempt: UUID, operator: str, at: float, to: str, how: str) -> Joining:
    return Joining(attempt=attempt, operator=operator, since=at, to=to, how=how)


def leaving(attempt: UUID, operator: str, at: float, third: Third) -> Leaving:
    return Leaving(attempt=attempt, operator=operator, since=at, third=third)


def _joining(talk: Talk, at: float, to: str, how: str = "") -> Joining:
    return joining(talk.attempt, talk.operator, at, to, how)
