"""PURE. Trunks: free lines, calls per second, what the node says of them, a circuit breaker.

The breaker opens after `TRIP_AFTER` attempts in a row that the network never took up (no ringing
and no refusal, congestion, or the node refused to originate). It lets one probe call through after
a pause that doubles with every probe, from `FIRST_PAUSE_S` to `LONGEST_PAUSE_S`; a sign of life
closes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from campaigns.refusals import Sentence

TRIP_AFTER = 5
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0


@dataclass(slots=True)
class Breaker:
    """State of one trunk's circuit breaker; times are epoch seconds.

    `pause_s` is 0 while it is closed (calls go through).
    """

    dead_in_row: int = 0
    pause_s: float = 0.0
    closed_until_s: float = 0.0
    probing: bool = False

    @property
    def open(self) -> bool:
        return self.pause_s > 0

    def allows(self, now: float) -> bool:
        """Whether a call may be placed now (a probe, when open)."""
        if not self.open:
            return True
        # A rest longer than the pause itself: the clock was set back.
        waits = 0 < self.closed_until_s - now <= self.pause_s
        return not self.probing and not waits

    def placed(self) -> None:
        if self.open:
            self.probing = True

    def alive(self) -> None:
        """The network rang, answered or refused: it is there."""
        self.dead_in_row, self.pause_s, self.probing = 0, 0.0, False

    def dead(self, now: float) -> bool:
        """An attempt that the network never took up. True when the breaker trips or stays open."""
        self.dead_in_row += 1
        if self.open and not self.probing and now < self.closed_until_s:
            return True  # placed before the breaker opened: tells nothing new
        if self.open:
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
        elif self.dead_in_row >= TRIP_AFTER:
            self.pause_s = FIRST_PAUSE_S
        self.probing = False
        self.closed_until_s = now + self.pause_s
        return self.open

    def forgotten(self) -> None:
        """The probe ended without telling anything (we cancelled it): another may be sent."""
        self.probing = False


REJECTED = Sentence("the provider rejects our registration", "оператор связи отклоняет регистрацию")
UNREGISTERED = Sentence("is not registered at the provider", "нет регистрации у оператора связи")
UNREACHABLE = Sentence("does not answer OPTIONS", "не отвечает на OPTIONS")


@dataclass(slots=True)
class Link:
    """What the node says of a trunk: does the far end answer OPTIONS, are we registered.

    `contact` and `registration` are "" while unknown or not asked for. `since` is the epoch second
    of the last news.
    """

    contact: Literal["", "reachable", "unreachable"] = ""
    rtt_ms: float | None = None
    registration: Literal["", "registered", "unregistered", "rejected"] = ""
    since: float = 0.0

    def trouble(self) -> Sentence | None:
        """Why no call can go out, None when nothing is known against it."""
        if self.registration == "rejected":
            return REJECTED
        if self.registration == "unregistered":
            return UNREGISTERED
        return UNREACHABLE if self.contact == "unreachable" else None


@dataclass(slots=True)
class Trunk:
    """One trunk: how many more calls it takes now.

    Calls per second are a token bucket one second deep: at most `calls_per_second` calls in a burst
    (never under one) and that many a second in the long run.
    """

    name: str
    trunk_id: int
    lines: int
    calls_per_second: float
    used: int = 0
    tokens: float = 0.0
    filled_at: float | None = None
    breaker: Breaker = field(default_factory=Breaker)
    link: Link = field(default_factory=Link)
    tech_prefix: str = ""
    plus: bool = True

    def dialed(self, phone: str) -> str:
        """What the provider wants to be dialed for +<digits>."""
        return self.tech_prefix + (phone if self.plus else phone.removeprefix("+"))

    def trouble(self, now: float) -> Sentence | None:
        """Why it takes no calls, with its name; None when it works."""
        if text := self.link.trouble():
            return Sentence(f"trunk {self.name}: {text.en}", f"транк {self.name}: {text.ru}")
        if not self.breaker.open:
            return None
        again = max(0.0, self.breaker.closed_until_s - now)
        return Sentence(
            f"trunk {self.name} does not ring; a probe call in {again:.0f} s",
            f"транк {self.name} не отвечает; пробный вызов через {again:.0f} с",
        )

    def __post_init__(self) -> None:
        self.tokens = self._depth

    @property
    def _depth(self) -> float:
        return max(1.0, self.calls_per_second)

    def free_lines(self) -> int:
        return max(0, self.lines - self.used)

    def calls_now(self, now: float) -> int:
        """Calls that the rate allows at `now` (epoch seconds). A clock set back gives none."""
        if self.filled_at is not None and now > self.filled_at:
            self.tokens = min(
                self._depth, self.tokens + (now - self.filled_at) * self.calls_per_second
            )
        self.filled_at = now
        return int(self.tokens + 1e-9)

    def place(self) -> None:
        self.used += 1
        self.tokens -= 1
        self.breaker.placed()

    def release(self) -> None:
        self.used = max(0, self.used - 1)

    def room(self, now: float) -> tuple[int, str]:
        """(calls that may be placed now, what limits them: "down", "breaker", "lines" or "cps").

        Asterisk itself refuses calls to a trunk that does not answer OPTIONS, so that to try one
        would only cost.
        """
        if self.link.trouble():
            return 0, "down"
        if not self.breaker.allows(now):
            return 0, "breaker"
        lines, rate = self.free_lines(), self.calls_now(now)
        if self.breaker.open:
            return min(1, lines, rate), "breaker"
        return (lines, "lines") if lines <= rate else (rate, "cps")
