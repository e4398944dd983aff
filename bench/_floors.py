"""The floors on which pacers are compared. PURE."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from dialer.pacing_sim import LogNormal, Mix, Person, Scenario, Uniform

HOUR = 3600.0


@dataclass(frozen=True)
class Dialing:
    """Post-dial delay and ringing; infinite where the call would have been given up before."""

    delay: Uniform
    ring: LogNormal
    longest_s: float

    def __call__(self, luck: random.Random) -> float:
        ring_s = self.ring(luck)
        return self.delay(luck) + ring_s if ring_s < self.longest_s else math.inf


TALK = Mix(((0.35, Uniform(10, 25)), (0.45, LogNormal(75, 0.6)), (0.20, LogNormal(180, 0.8))))
BASE = Scenario(
    "5 operators, 25 % answer",
    5,
    chance=((0.0, 0.25),),
    answer_s=Dialing(Uniform(1, 3), LogNormal(9, 0.55), 27.0),
    failure_s=Mix(((0.15, Uniform(2, 7)), (0.10, Uniform(1.5, 6)), (0.75, Uniform(26, 33)))),
    talk_s=TALK,
    wrap_s=LogNormal(20, 0.6),
)
LUNCH = tuple(
    (o, (3.5 + o % 3 * 0.5) * HOUR, (4.0 + o % 3 * 0.5) * HOUR) for o in range(15)
) + tuple((o, 0.0, (o - 5) * 600.0) for o in range(6, 15))


def floor_of(name: str, operators: int, chance: float, **changes: object) -> Scenario:
    base = replace(BASE, name=name, operators=operators, chance=((0.0, chance),))
    return replace(base, **changes)  # type: ignore[arg-type]


SCENARIOS = (
    floor_of("2 operators, 30 % answer", 2, 0.30),
    floor_of("3 operators, 30 % answer", 3, 0.30),
    BASE,
    floor_of("5 operators, 25 % answer, 4 hours", 5, 0.25, hours=4.0),
    floor_of("8 operators, 35 %, short wrap-up", 8, 0.35, wrap_s=LogNormal(12, 0.5)),
    floor_of("10 operators, 25 % answer", 10, 0.25),
    floor_of("10 operators, 60 % answer", 10, 0.60),
    floor_of(
        "10 operators, very uneven talks",
        10,
        0.25,
        talk_s=Mix(
            ((0.5, Uniform(5, 20)), (0.35, LogNormal(90, 1.0)), (0.15, LogNormal(420, 1.2)))
        ),
        wrap_s=LogNormal(25, 1.2),
    ),
    floor_of("7 operators, long talks", 7, 0.30, talk_s=LogNormal(240, 0.9)),
    floor_of("12 operators, short talks", 12, 0.22, talk_s=LogNormal(25, 0.8)),
    floor_of("20 operators, 25 % answer", 20, 0.25),
    floor_of("20 operators, 8 % answer", 20, 0.08),
    floor_of(
        "20 operators, slow ringing",
        20,
        0.25,
        answer_s=Dialing(Uniform(2, 6), LogNormal(16, 0.5), 40.0),
        failure_s=Mix(((0.25, Uniform(2, 9)), (0.75, Uniform(40, 50)))),
    ),
    replace(
        BASE,
        name="20 operators, collapse and spike",
        operators=20,
        chance=((0.0, 0.35), (2.5 * HOUR, 0.10), (4 * HOUR, 0.25), (5 * HOUR, 0.55)),
    ),
    replace(
        BASE,
        name="20 operators, list dead for an hour, twice",
        operators=20,
        chance=((0.0, 0.30), (2 * HOUR, 0.02), (3 * HOUR, 0.30), (6 * HOUR, 0.03), (7 * HOUR, 0.3)),
    ),
    floor_of("15 operators, coming and going", 15, 0.25, away=LUNCH),
    floor_of("30 operators on 45 lines", 30, 0.20, lines=45),
    floor_of("50 operators, 20 % answer", 50, 0.20),
    floor_of("100 operators, long wrap-up", 100, 0.25, wrap_s=LogNormal(30, 0.7)),
    floor_of("300 operators, 25 % answer", 300, 0.25, hours=2.0),
)
OTHERS = (
    floor_of(
        "4 operators, 22 %, slower ringing",
        4,
        0.22,
        answer_s=Dialing(Uniform(1, 3), LogNormal(11, 0.6), 27.0),
    ),
    floor_of(
        "6 operators, short and very short talks",
        6,
        0.28,
        talk_s=Mix(((0.6, Uniform(5, 12)), (0.4, LogNormal(50, 0.8)))),
    ),
    floor_of(
        "4 operators, 45 %, even talks", 4, 0.45, talk_s=LogNormal(90, 0.5), wrap_s=Uniform(15, 15)
    ),
    floor_of("3 operators, 2 hours", 3, 0.33, hours=2.0),
    floor_of(
        "9 operators, 18 %",
        9,
        0.18,
        talk_s=LogNormal(60, 1.0),
        wrap_s=LogNormal(15, 1.0),
        hours=4.0,
    ),
    replace(
        BASE,
        name="10 operators, list dead twice",
        operators=10,
        hours=6.0,
        chance=(
            (0.0, 0.30),
            (1.5 * HOUR, 0.015),
            (2.5 * HOUR, 0.30),
            (4.5 * HOUR, 0.04),
            (5 * HOUR, 0.35),
        ),
    ),
    replace(
        BASE,
        name="8 operators, the chance jumps every 20 minutes",
        operators=8,
        hours=4.0,
        chance=tuple((i * 1200.0, 0.15 if i % 2 else 0.45) for i in range(12)),
    ),
    floor_of(
        "6 operators, breaks, half away, some leave",
        6,
        0.27,
        hours=6.0,
        away=(
            *((o, (2.0 + o % 3 / 3.0) * HOUR, (2.0 + (o % 3 + 1) / 3.0) * HOUR) for o in range(6)),
            *((o, 4.0 * HOUR, 4.0 * HOUR + 1200) for o in (0, 2, 4)),
            (5, 0.0, 1.5 * HOUR),
            (1, 5.0 * HOUR, 9 * HOUR),
        ),
    ),
    floor_of("16 operators on 26 lines", 16, 0.25, lines=26, hours=3.0),
    floor_of(
        "25 operators, 15 %, long ringing",
        25,
        0.15,
        hours=3.0,
        answer_s=Dialing(Uniform(1, 3), LogNormal(14, 0.5), 40.0),
        failure_s=Mix(((0.25, Uniform(2, 7)), (0.75, Uniform(36, 48)))),
    ),
    floor_of("80 operators, 12 %", 80, 0.12, hours=2.0),
)
"""Floors on which nothing of the engine was chosen."""
CAPS = (
    *(
        floor_of(f"{operators} operators", operators, chance, hours=hours)
        for operators, chance, hours in (
            (2, 0.35, 4.0),
            (3, 0.33, 2.0),
            (3, 0.30, 4.0),
            (4, 0.22, 3.0),
            (5, 0.25, 4.0),
            (8, 0.30, 2.0),
        )
    ),
    *(
        replace(scenario, hours=min(scenario.hours, 3.0))
        for scenario in OTHERS
        if 3 < scenario.operators <= 6
    ),
)
"""Small floors, where one person more breaks the cap."""
AREA_EFFECTS = tuple(0.8 * math.sin(12.9 * i) for i in range(24))
TRIED_EFFECTS = (0.5, 0.0, -0.6, -1.1, -1.5)


def believable(luck: random.Random, now: float) -> Person:
    """A lead of a worked base: kind of number, area, hour, earlier attempts, and its own luck.

    Mobiles answer better towards the evening and fixed phones worse; each attempt without an answer
    makes the next one less likely; a third of the log-odds' variance is nothing one could know.
    """
    mobile, area = luck.random() < 0.6, luck.randrange(len(AREA_EFFECTS))
    tried = luck.choice((0, 0, 1, 1, 2, 3, 4))
    hour = 10 + int(now / HOUR)
    evening = (hour - 14) / 4.0
    log_odds = (0.5 + 0.7 * evening if mobile else -0.8 - 0.9 * evening) + AREA_EFFECTS[area]
    log_odds += TRIED_EFFECTS[tried] + luck.gauss(0.0, 0.7)
    kind = "mobile" if mobile else "fixed"
    features = (f"kind {kind}", f"area {area}", f"tried {tried}", f"{kind} at {hour // 3 * 3}")
    return features, math.exp(max(-3.0, min(3.0, log_odds)))


BELIEVABLE = tuple(
    floor_of(f"{n} operators, a worked base", n, 0.20, people=believable) for n in (3, 5, 10)
)
