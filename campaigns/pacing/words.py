"""PURE. What limits a decision and why, for people who read Russian.

The controller says why in English, once, where it decides; this module has the Russian of all that
it says. A name, a number or an error of another program stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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

_PHRASES: tuple[tuple[str, str], ...] = (
    # what the floor looks like
    (r"(\d+) free", r"свободно \1"),
    (r"(\d+) ringing", r"звонит \1"),
    (r"(\d+) waiting", r"ждёт \1"),
    (r"(\d+) listening", r"слушает \1"),
    (r"(\d+) % answer", r"отвечают \1 %"),
    (r"budget (-?[\d.]+) %", r"бюджет \1 %"),
    (r"one call per free operator", "по вызову на свободного оператора"),
    (r"what the lines leave", "сколько оставляют линии"),
    (r"(\d+) asked for \(lines\)", r"нужно \1 (линии)"),
    (r"(\d+) asked for \(cps\)", r"нужно \1 (вызовы в секунду)"),
    (r"(\d+) asked for \(breaker\)", r"нужно \1 (только пробные вызовы)"),
    (r"(\d+) asked for", r"нужно \1"),
    (
        r"the pacing engine failed, see pacer_failed in the log",
        "расчёт темпа отказал, см. pacer_failed в журнале",
    ),
    (r"just started", "только что запущена"),
    # leads and goals
    (r"leads are (being )?claimed", "лиды готовятся"),
    (r"the list is finished", "база закончилась"),
    (r"(\d+) leads wait, the next is due in (\d+) min", r"ждут лиды: \1, следующий через \2 мин"),
    (r"outside the calling hours", "не время для звонков"),
    (
        r"the goal is near, every call under way counts",
        "цель близка, каждый начатый вызов считается",
    ),
    (r"operators dial by hand", "операторы набирают сами"),
    (r"manual, operators dial", "ручной режим, набирают операторы"),
    (r"a card for each who waits", "по карточке каждому, кто ждёт"),
    # trunks and the node
    (r"no free line on (.+?)(?= \(leads|;|$)", r"нет свободной линии на \1"),
    (r"no trunk has a route for the number", "ни у одного транка нет маршрута на номер"),
    (r"no trunk works of (.+?)(?= \(leads|;|$)", r"ни один транк из \1 не работает"),
    (r"\(leads: (\d+)\)", r"(лидов: \1)"),
    (r"none of its trunks \(any\) is there", "нет ни одного транка"),
    (r"none of its trunks \((.+?)\) is there", r"нет ни одного её транка (\1)"),
    (
        r"trunk (\S+): the provider rejects our registration",
        r"транк \1: оператор связи отклоняет регистрацию",
    ),
    (
        r"trunk (\S+): is not registered at the provider",
        r"транк \1: нет регистрации у оператора связи",
    ),
    (r"trunk (\S+): does not answer OPTIONS", r"транк \1: не отвечает на OPTIONS"),
    (
        r"trunk (\S+) does not ring; a probe call in (\d+) s",
        r"транк \1 не отвечает; пробный вызов через \2 с",
    ),
    (r"the node is slow to take calls", "узел не успевает принимать вызовы"),
    # what holds everything
    (r"stopping: no new calls", "остановка: новых вызовов нет"),
    (r"finding out what is live on the node", "выясняется, что сейчас идёт на узле"),
    (r"no answer from the database \((.+)\)", r"база данных не отвечает (\1)"),
    (r"no operator signed in who has (.+)", r"нет на смене оператора с навыками: \1"),
    (r"no operator signed in", "на смене нет операторов"),
    (r"no message is set; set its broadcast", "сообщение не задано; задайте broadcast"),
    (r"there is no sound file (.+)", r"нет звукового файла \1"),
    (r"recordings cannot be written to (.+?): (.+)", r"записи нельзя сохранить в \1: \2"),
    (
        r"(\d+) MB free for recordings in (.+), (\d+) MB needed: free some space or turn recording "
        r"off",
        r"для записей в \2 свободно \1 МБ, нужно \3 МБ: освободите место или отключите запись",
    ),
    (r"there is no legal profile (.+)", r"нет правового профиля \1"),
)
_RULES = tuple((re.compile(rf"(?<![\w-]){english}"), russian) for english, russian in _PHRASES)


def russian(reason: str, known: Iterable[Sentence] = ()) -> str:
    """A decision's reason in Russian; `known`: sentences that may stand in it as they are."""
    for sentence in known:
        reason = reason.replace(sentence.en, sentence.to("ru"))
    for english, translated in _RULES:
        reason = english.sub(translated, reason)
    return reason
