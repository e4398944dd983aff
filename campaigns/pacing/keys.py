"""PURE. A campaign's share of the floor and its limits, as settings that have versions."""

from __future__ import annotations

from campaigns.campaign.kinds import Key, Many, Maybe, Number, Text
from campaigns.pacing.model import SKILL_CHARS, SKILLS
from campaigns.refusals import Sentence

KEYS: tuple[Key, ...] = (
    Key(
        "weight",
        Number(0.01, 100),
        1.0,
        Sentence(
            "its share of operators and lines against other campaigns",
            "доля операторов и линий рядом с другими кампаниями",
        ),
        "weight",
    ),
    Key(
        "skills",
        Many(Text(SKILL_CHARS), SKILLS),
        [],
        Sentence("skills that an operator needs, all of them", "какие навыки нужны, все сразу"),
        "skills",
    ),
    Key(
        "max_lines",
        Maybe(Number(1, 100_000, "", whole=True)),
        None,
        Sentence("calls at once at most", "сколько вызовов одновременно"),
        "max_lines",
    ),
    Key(
        "lines_per_operator",
        Maybe(Number(1, 100)),
        None,
        Sentence("calls at once for each operator", "сколько вызовов на одного оператора"),
        "lines_per_operator",
    ),
    Key(
        "max_abandon_rate",
        Number(0, 1),
        0.03,
        Sentence(
            "share of answered people who may be abandoned; the legal profile may allow less",
            "доля ответивших, которых можно бросить; правовой профиль может разрешать меньше",
        ),
        "max_abandon_rate",
    ),
)
