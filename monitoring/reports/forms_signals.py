"""PURE. The tables of the report about operators who are far off the others on a list."""

from __future__ import annotations

from campaigns.list_health.model import DEAD_LIST_SHARE
from campaigns.list_health.model import ENOUGH as ENOUGH_ATTEMPTS
from campaigns.refusals import Sentence
from monitoring.reports.catalog import DIMENSIONS
from monitoring.reports.columns import column
from monitoring.reports.sheet import Column, Form, Kind
from monitoring.reports.signals import (
    ENOUGH,
    ENOUGH_HANG_UPS,
    FAR_RING,
    FAR_SHARE,
    HASTY_S,
    PEERS,
    SIGMAS,
    Measure,
)

TITLES: dict[Measure, Sentence] = {
    "not_reached": Sentence("not reached", "недозвон"),
    "given_up_ring": Sentence("ringing before own hang-ups", "гудки до своего отбоя"),
    "short": Sentence("short conversations", "короткие разговоры"),
    "hasty": Sentence("dials without waiting", "наборы без ожидания"),
    "first_touch": Sentence("closed after the first touch", "закрыты с первого касания"),
}
HELP: dict[Measure, Sentence] = {
    "not_reached": Sentence(
        "Of the operator's ended dials, without dead numbers and what the line or the node lost: "
        "those that no person answered",
        "Доля наборов оператора, на которые никто не ответил; без мёртвых номеров и того, что "
        "потеряли линия или узел",
    ),
    "given_up_ring": Sentence(
        "Seconds of ringing before the operator's own hang-up, median",
        "Секунды гудков до отбоя самим оператором, медиана",
    ),
    "short": Sentence(
        "Conversations of less than 10 s, of the operator's conversations",
        "Разговоры короче 10 с среди разговоров оператора",
    ),
    "hasty": Sentence(
        f"Dials that the operator hung up before {HASTY_S:.0f} s of ringing (where it never rang: "
        "of dialing), of the operator's dials",
        f"Наборы, которые оператор прервал раньше {HASTY_S:.0f} с гудков (без гудков: набора), "
        "среди наборов оператора",
    ),
    "first_touch": Sentence(
        "Leads closed by now after one approach, in which nobody was reached (dead numbers apart) "
        "or which got a disposition without any flag of a result (junk), of the leads whose first "
        "touch in the period was the operator's",
        "Лиды, уже закрытые после одного касания: без дозвона (кроме мёртвых номеров) или с "
        "результатом без признаков (мусор), среди лидов, которых первым в периоде коснулся "
        "оператор",
    ),
}
KEYS: dict[Measure, tuple[str, str]] = {
    "not_reached": ("not_reached_share", "not_reached_median"),
    "given_up_ring": ("given_up_ring_s", "given_up_ring_median_s"),
    "short": ("short_share", "short_median"),
    "hasty": ("hasty_share", "hasty_median"),
    "first_touch": ("first_touch_share", "first_touch_median"),
}


def _pair(measure: Measure) -> tuple[Column, Column]:
    """An operator's figure and the list's median beside it."""
    title, key, middle = TITLES[measure], *KEYS[measure]
    kind: Kind = "seconds" if measure == "given_up_ring" else "share"
    least = ENOUGH_HANG_UPS if measure == "given_up_ring" else ENOUGH
    return (
        Column(key, kind, title, HELP[measure], None if kind == "seconds" else "less"),
        column(
            middle,
            kind,
            (f"{title.en}, median", f"{title.ru}, медиана"),
            (
                f"Median of the operators on this list, of those with a base of at least {least}; "
                f"empty with fewer than {PEERS} of them",
                f"Медиана операторов на этой базе, у кого не меньше {least} случаев; "
                f"пусто, если их меньше {PEERS}",
            ),
        ),
    )


OPERATORS = Form(
    "operators",
    Sentence("Operators beside the others on the list", "Операторы рядом с другими на базе"),
    (
        *DIMENSIONS["operator"],
        *DIMENSIONS["list"],
        column(
            "dials",
            "count",
            ("dials", "наборы"),
            (
                "Attempts placed for the operator (a predictive dial belongs to nobody)",
                "Наборы для оператора (предиктивный набор не принадлежит никому)",
            ),
        ),
        column(
            "conversations",
            "count",
            ("conversations", "разговоры"),
            ("Of all these dials and of predictive ones", "По этим наборам и по предиктивным"),
        ),
        *(one for measure in TITLES for one in _pair(measure)),
        column(
            "peers",
            "count",
            ("operators", "операторы"),
            ("Who worked on the list in the period", "Кто работал с базой в периоде"),
        ),
        column(
            "signals",
            "count",
            ("signals", "сигналы"),
            (
                f"Figures far off the median: a share at least {100 * FAR_SHARE:.0f} points and "
                f"more than {SIGMAS:.0f} standard errors above it (of a share like the median "
                f"among as many), ringing at most {FAR_RING:.0%} of it",
                "Показатели далеко от медианы: доля выше не меньше чем на "
                f"{100 * FAR_SHARE:.0f} пунктов и больше чем на {SIGMAS:.0f} стандартные ошибки; "
                "гудки не больше "
                f"{FAR_RING:.0%} медианы",
            ),
            "less",
        ),
        column("signal", "text", ("far off", "далеко"), ("Which ones", "Какие именно")),
    ),
    names=3,
)
LISTS = Form(
    "lists",
    Sentence("Numbers of each list", "Номера каждой базы"),
    (
        *DIMENSIONS["list"],
        column("dials", "count", ("dials", "наборы"), ("All of the period", "Все за период")),
        column(
            "invalid",
            "count",
            ("dead numbers", "мёртвые номера"),
            ("Attempts on numbers that do not exist", "Наборы несуществующих номеров"),
            "less",
        ),
        column(
            "invalid_share",
            "share",
            ("their share", "их доля"),
            (
                "Of the ended attempts without what the line or the node lost",
                "Из законченных наборов без того, что потеряли линия или узел",
            ),
            "less",
        ),
        column(
            "dead",
            "flag",
            ("dead list", "мёртвая база"),
            (
                f"At least {DEAD_LIST_SHARE:.0%} of {ENOUGH_ATTEMPTS} attempts or more: the list "
                "is bad, not its operators",
                f"Не меньше {DEAD_LIST_SHARE:.0%} из {ENOUGH_ATTEMPTS} наборов или больше: плоха "
                "база, а не операторы",
            ),
        ),
    ),
)
