"""How much of the cap may be risked now: the one rule that turns a ledger into a risk level. Pure.

The reason behind the rule. A window may end at any moment, and what counts is whether the cap is
broken at its end. Conversations grow about with the logarithm of the risk, so an even level brings
the most; but only whole people are abandoned, and while less than one whole person is left in the
budget, the next one breaks the cap. Weighing the two by dynamic programming over (budget earned,
people abandoned), with a window as likely to end within the next doubling of its answers as within
the one after, gives a level that depends on hardly anything but the people left: next to nothing
under one, and above it a curve a little flatter than a straight line. `Spending` is that curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a window stands. People, and seconds."""

    left: float  # people who may still be abandoned
    earned: float  # cap x people answered in the window
    reserve: float  # people: what is unsure besides luck (calls in flight)


@dataclass(frozen=True, slots=True)
class Spending:
    """Share of the cap that the calls placed now may carry, by people left in the budget."""

    one: float = 0.3
    """While exactly one whole person is left."""
    power: float = 0.8
    """How it grows with the people left."""
    little: float = 0.12
    """While no whole person is left: the first bit of risk brings the most conversations."""
    ramp: float = 0.4
    """From `little` to `one` over this last part of a person."""
    large: float = 20.0
    """People earned from which on the budget left is counted in units that grow with the square
    root of it: noise that is not luck grows with the floor, and it is a smaller share there."""

    def share(self, window: Standing) -> float:
        """0 (dial progressively) up; 1 spends the cap as it is earned."""
        unit = max(1.0, (window.earned + window.reserve) / self.large) ** 0.5
        share = self._curve(window.left, unit)
        return share if share >= 0.01 else 0.0

    def _curve(self, left: float, unit: float) -> float:
        if left >= 1.0:
            return self.one * float((left / unit) ** self.power)
        full = self.one * float(unit**-self.power)
        least = min(self.little, full)
        if left < 0.0:  # overdrawn: progressive when it is deep
            return least * exp(left)
        return least + (full - least) * max(0.0, (left - 1.0 + self.ramp) / self.ramp)
