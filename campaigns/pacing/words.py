"""What can limit a decision, for people."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.refusals import Sentence

LIMITED_BY: Mapping[str, Sentence] = {
    "operators": Sentence(
        "no further operator will be free in time", "больше операторов вовремя не освободится"
    ),
    "budget": Sentence(
        "the abandonment budget is nearly spent, so it dials as progressive would",
        "бюджет брошенных почти исчерпан, набор идёт как прогрессивный",
    ),
    "lines": Sentence(
        "the trunk's lines, its share of them, or its own limit of lines",
        "линии транка, доля кампании в них или её собственный предел линий",
    ),
    "cps": Sentence("the trunk's calls per second", "вызовы в секунду на транке"),
    "breaker": Sentence(
        "the trunk does not ring; probe calls only", "транк не отвечает: только пробные вызовы"
    ),
    "down": Sentence("none of its trunks works", "ни один её транк не работает"),
    "trunk": Sentence(
        "the trunks take fewer calls than asked for", "транки берут меньше вызовов, чем нужно"
    ),
    "leads": Sentence(
        "no lead is due, or leads are being claimed",
        "нет лидов, которым пора звонить, или они готовятся",
    ),
    "hours": Sentence("outside the calling hours", "не время для звонков"),
    "rules": Sentence(
        "its legal profile forbids dialing as it is set",
        "правовой профиль запрещает набор с такими настройками",
    ),
    "node": Sentence("Asterisk is away or slow", "Asterisk недоступен или не успевает"),
    "database": Sentence("the database is away", "база данных недоступна"),
    "sound": Sentence(
        "a message is not set, or its sound file is not there",
        "сообщение не задано или нет его звукового файла",
    ),
    "goal": Sentence(
        "its goal is near, and every call under way counts",
        "цель близка, и каждый начатый вызов считается",
    ),
    "mode": Sentence("operators dial by hand", "операторы набирают сами"),
    "disk": Sentence("no room for recordings", "нет места для записей разговоров"),
    "draining": Sentence("the process is stopping", "процесс останавливается"),
    "recovery": Sentence(
        "it is being found out what is live on the node", "выясняется, что сейчас идёт на узле"
    ),
    "start": Sentence("just started", "только что запущена"),
}
"""Everything that can limit a decision."""
