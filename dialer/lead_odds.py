"""Who will answer: a lead's odds against the campaign's ordinary lead, learned as calls end. PURE.

A logistic model over a few features of the number, the lead and the hour, updated call by call (an
extended Kalman filter with a diagonal covariance). What is common to all leads of an hour is left
to the pacer's own memory of the answer chance. The odds are told to the pacer only while they have
foretold the latest calls better than the plain share did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, isfinite, log
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberType

from campaigns.hours.zones import RUSSIAN_MOBILE

Features = tuple[str, ...]

PRIOR = 0.25  # variance of a feature's weight before anything is known
DRIFT = 1e-5  # added to a variance at every use: people change
LEVEL_PRIOR, LEVEL_DRIFT = 4.0, 2e-3
MOST_LOG_ODDS = 3.0
MEMORY = 2000.0  # calls
NEAR = 100.0  # calls: whose mean is the ordinary lead
TRUST, DISTRUST = 4.0, 1.0  # of log-likelihood gained
MOST_FEATURES = 5000

_KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "either",
    PhoneNumberType.TOLL_FREE: "free",
}


@lru_cache(maxsize=20_000)
def number_features(phone: str) -> tuple[str, str]:
    """(kind, area) of an E.164 number: "mobile", and country code with three digits."""
    if RUSSIAN_MOBILE.match(phone):  # most numbers, and phonenumbers takes 0.1 ms for each
        return "mobile", f"7-{phone[2:5]}"
    try:
        parsed = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return "odd", "odd"
    kind = _KINDS.get(phonenumbers.number_type(parsed), "other")
    national = phonenumbers.national_significant_number(parsed)
    return kind, f"{parsed.country_code}-{national[:3]}"


def features(
    phone: str, approaches: int, hour: int, weekday: int, list_id: int | None = None
) -> Features:
    """What is known of one dial. `hour` 0..23 and `weekday` 0 (Monday)..6 are local; `list_id` is
    the list that the contact came with."""
    kind, area = number_features(phone)
    tried = min(max(approaches, 0), 4)
    day = "weekend" if weekday >= 5 else "workday"
    return (
        f"kind {kind}",
        f"area {area}",
        f"tried {tried}",
        f"{kind} at {hour // 3 * 3}",
        f"{kind} on {day}",
        *(() if list_id is None else (f"list {list_id}",)),
    )


@dataclass(slots=True)
class LeadOdds:
    """The model of one campaign. Deterministic; `state` is plain JSON."""

    weights: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By feature: mean and variance of its weight, in log-odds."""
    level: tuple[float, float] = (0.0, LEVEL_PRIOR)
    plain: tuple[float, float] = (0.0, LEVEL_PRIOR)
    mean: float = 0.0
    gained: float = 0.0
    trusted: bool = False

    def odds(self, known: Features) -> float:
        """Odds of an answer against the ordinary lead's: 1 for one of which nothing is known."""
        return exp(_within(self._sum(known) - self.mean))

    def chance(self, known: Features) -> float:
        """Of an answer now."""
        return _chance(self.level[0] + self._sum(known))

    def ended(self, known: Features, answered: bool) -> None:
        """One dial is over: learn from it."""
        chance = self.chance(known)
        plainly = _chance(self.plain[0])
        self._judge(chance, plainly, answered)
        self.mean += (self._sum(known) - self.mean) / NEAR
        self.plain = _moved(self.plain, plainly, self.plain[1], answered, LEVEL_DRIFT)
        self._learn(known, chance, answered)

    def _learn(self, known: Features, chance: float, answered: bool) -> None:
        if len(self.weights) > MOST_FEATURES:  # areas of a list without end: begin again
            self.weights.clear()
        parts = [self.weights.get(name, (0.0, PRIOR)) for name in known]
        total = self.level[1] + sum(variance for _, variance in parts)
        self.level = _moved(self.level, chance, total, answered, LEVEL_DRIFT)
        for name, part in zip(known, parts, strict=True):
            mean, variance = _moved(part, chance, total, answered, DRIFT)
            self.weights[name] = mean, min(PRIOR, variance)

    def _judge(self, chance: float, plainly: float, answered: bool) -> None:
        said = chance / plainly if answered else (1.0 - chance) / (1.0 - plainly)
        self.gained = self.gained * (1.0 - 1.0 / MEMORY) + log(said)
        self.trusted = self.gained > (DISTRUST if self.trusted else TRUST)

    def _sum(self, known: Features) -> float:
        return sum(self.weights[name][0] for name in known if name in self.weights)

    @property
    def state(self) -> dict[str, Any]:
        """To be kept."""
        return {
            "weights": {name: list(pair) for name, pair in self.weights.items()},
            "level": list(self.level),
            "plain": list(self.plain),
            "mean": self.mean,
            "gained": self.gained,
        }


def restored(kept: Mapping[str, Any]) -> LeadOdds:
    """The model as it was kept. Raises ValueError, TypeError, KeyError for what is none."""
    weights = {str(name): _pair(pair) for name, pair in dict(kept["weights"]).items()}
    model = LeadOdds(weights, _pair(kept["level"]), _pair(kept["plain"]))
    model.mean, model.gained = _finite(kept["mean"]), _finite(kept["gained"])
    model.trusted = model.gained > TRUST
    return model


def _moved(
    part: tuple[float, float], chance: float, total: float, answered: bool, drift: float
) -> tuple[float, float]:
    """One step of the filter for one weight; `total` is the variance of the whole sum."""
    mean, variance = part
    spread = chance * (1.0 - chance)
    scale = 1.0 + spread * total
    mean += variance * ((1.0 if answered else 0.0) - chance) / scale
    return _within(mean), max(1e-6, variance - variance * variance * spread / scale) + drift


def _chance(log_odds: float) -> float:
    return 1.0 / (1.0 + exp(-max(-7.0, min(7.0, log_odds))))


def _within(log_odds: float) -> float:
    return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, log_odds))


def _pair(value: Any) -> tuple[float, float]:
    mean, variance = value
    if _finite(variance) < 0.0:
        raise ValueError("a variance below 0")
    return _finite(mean), float(variance)


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
