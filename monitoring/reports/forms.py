"""PURE. The tables of every report: their columns, and what exactly each of them counts."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.refusals import Sentence
from dialer.operators import OperatorState
from dialer.outcomes import EndedBy, Outcome
from monitoring.reports.columns import column
from monitoring.reports.forms_bases import HOURS, LISTS
from monitoring.reports.forms_promises import CALLBACKS, PLAN
from monitoring.reports.forms_signals import LISTS as SIGNALED_LISTS
from monitoring.reports.forms_signals import OPERATORS as SIGNALED_OPERATORS
from monitoring.reports.sheet import Column, Form

STATE_TITLES = {
    OperatorState.CONNECTING: Sentence("connecting", "подключение"),
    OperatorState.READY: Sentence("ready", "ожидание"),
    OperatorState.RESERVED: Sentence("reserved", "занят под вызов"),
    OperatorState.DIALING: Sentence("dialing", "набор"),
    OperatorState.TALKING: Sentence("talking", "разговор"),
    OperatorState.HOLD: Sentence("hold", "удержание"),
    OperatorState.CONSULT: Sentence("consult", "консультация"),
    OperatorState.WRAP_UP: Sentence("wrap-up", "обработка"),
    OperatorState.PAUSED: Sentence("paused", "перерыв"),
}
OUTCOME_TITLES = {
    Outcome.ANSWERED: Sentence("answered", "ответили"),
    Outcome.NO_ANSWER: Sentence("no answer", "не ответили"),
    Outcome.BUSY: Sentence("busy", "занято"),
    Outcome.INVALID: Sentence("no such number", "нет номера"),
    Outcome.REJECTED: Sentence("rejected", "отклонили"),
    Outcome.CONGESTION: Sentence("congestion", "перегрузка"),
    Outcome.MACHINE: Sentence("machine", "автоответчик"),
    Outcome.ABANDONED: Sentence("abandoned", "брошены"),
    Outcome.FAILED: Sentence("failed", "сбой"),
    Outcome.UNKNOWN: Sentence("unknown", "неизвестно"),
}
ENDED_BY = {
    EndedBy.PERSON: Sentence("the person", "абонент"),
    EndedBy.OPERATOR: Sentence("the operator", "оператор"),
    EndedBy.DIALER: Sentence("the dialer", "автодозвон"),
    EndedBy.RING_TIMEOUT: Sentence("the limit of ringing", "предел гудков"),
    EndedBy.NETWORK: Sentence("the network", "сеть"),
    EndedBy.NODE: Sentence("the node", "узел"),
    EndedBy.PHONE_LOST: Sentence("the operator's lost phone", "потерянный телефон оператора"),
}
FLAGS = {
    "productive": (
        Sentence("productive", "результативные"),
        Sentence(
            "Attempts whose disposition has the flag `productive`: a real conversation took place",
            "Наборы, у результата которых есть признак «результативный»: разговор состоялся",
        ),
    ),
    "target": (
        Sentence("target", "целевые"),
        Sentence(
            "Attempts whose disposition has the flag `target`: agreed, sold, a meeting set",
            "Наборы, у результата которых есть признак «целевой»: согласие, продажа, встреча",
        ),
    ),
    "decision_maker": (
        Sentence("decision makers", "разговоры с ЛПР"),
        Sentence(
            "Attempts whose disposition has the flag `decision_maker`",
            "Наборы, у результата которых есть признак «ЛПР»",
        ),
    ),
    "hand_over": (
        Sentence("handed over", "передано"),
        Sentence(
            "Attempts whose disposition hands the client over to a manager",
            "Наборы, по результату которых клиент передан менеджеру",
        ),
    ),
    "refusal": (
        Sentence("refusals", "отказы"),
        Sentence(
            "Attempts whose disposition has the flag `refusal`",
            "Наборы, у результата которых есть признак «отказ»",
        ),
    ),
}


DIALS = column(
    "dials",
    "count",
    ("dials", "наборы"),
    (
        "Attempts placed in the period; in the cut by operators, those dialed for the operator (a "
        "predictive dial belongs to nobody)",
        "Наборы, начатые в периоде; по операторам: сделанные для оператора (предиктивный набор не "
        "принадлежит никому)",
    ),
)
CONVERSATIONS = column(
    "conversations",
    "count",
    ("conversations", "разговоры"),
    (
        "Attempts of the period in which a person talked with an operator; after a transfer each "
        "operator has the conversation, in the totals it is one",
        "Наборы периода, в которых человек говорил с оператором; после перевода разговор есть у "
        "каждого из операторов, в итоге он один",
    ),
    "more",
)
TALK = column(
    "talk_s",
    "duration",
    ("talk time", "время разговоров"),
    (
        "Length of these conversations, of each operator his part",
        "Длительность этих разговоров, у каждого оператора его часть",
    ),
)
LINE = column(
    "line_s",
    "duration",
    ("line time", "время на линии"),
    (
        "Operators' time in dialing, talking, hold and consult inside the period",
        "Время операторов в наборе, разговоре, удержании и консультации внутри периода",
    ),
    "more",
)
TRUNK = column(
    "trunk_s",
    "duration",
    ("time on trunks", "время линий"),
    (
        "From placing to hang-up of each attempt placed in the period",
        "От начала набора до отбоя каждого набора, начатого в периоде",
    ),
)
INTERVALS = (
    column(
        "interval_median_s",
        "seconds",
        ("interval, median", "интервал, медиана"),
        (
            "Dial interval, start to start: the campaign's, in the cut by operators the operator's "
            "own without pauses; half of them are shorter",
            "Интервал между началами наборов: кампании, а по операторам свой, без перерывов; "
            "половина короче",
        ),
        "less",
    ),
    column(
        "interval_p90_s",
        "seconds",
        ("interval, p90", "интервал, p90"),
        ("Nine dial intervals of ten are shorter", "Девять интервалов из десяти короче"),
        "less",
    ),
)
WAITS = (
    column(
        "wait_median_s",
        "seconds",
        ("wait for a conversation, median", "ожидание разговора, медиана"),
        (
            "In predictive campaigns, where a dial belongs to nobody: from ready to the next "
            "conversation, median",
            "В предиктивных кампаниях, где набор не принадлежит никому: от готовности до "
            "следующего разговора, медиана",
        ),
        "less",
    ),
    column(
        "wait_p90_s",
        "seconds",
        ("wait, p90", "ожидание, p90"),
        ("Nine such waits of ten are shorter", "Девять таких ожиданий из десяти короче"),
        "less",
    ),
)
SIGNALS = (
    column(
        "short",
        "count",
        ("short conversations", "короткие разговоры"),
        ("Conversations of less than 10 s", "Разговоры короче 10 с"),
        "less",
    ),
    column(
        "given_up",
        "count",
        ("own hang-ups", "свои отбои"),
        (
            "Attempts that the operator ended before an answer",
            "Наборы, которые оператор прервал до ответа",
        ),
        "less",
    ),
    column(
        "given_up_ring_s",
        "seconds",
        ("ringing before them", "гудки до отбоя"),
        (
            "Seconds of ringing before the operator's own hang-up, median",
            "Секунды гудков до отбоя самим оператором, медиана",
        ),
    ),
)
SHIFT = column(
    "shift_s",
    "duration",
    ("shift", "смена"),
    ("Time signed in inside the period", "Время в системе внутри периода"),
)
OCCUPANCY = column(
    "occupancy",
    "share",
    ("occupancy", "занятость"),
    (
        "Line time and wrap-up of the shift without pauses and connecting",
        "Время на линии и обработка в смене без перерывов и подключения",
    ),
)
STATES = tuple(
    Column(
        f"{state.value}_s",
        "duration",
        title,
        Sentence(f"Time in the state `{state.value}`", f"Время в состоянии «{title.ru}»"),
    )
    for state, title in STATE_TITLES.items()
)
OUTCOMES = tuple(
    Column(
        outcome.value,
        "count",
        title,
        Sentence(f"Attempts with the outcome `{outcome.value}`", f"Наборы с исходом «{title.ru}»"),
    )
    for outcome, title in OUTCOME_TITLES.items()
)
IN_PROGRESS = column(
    "in_progress",
    "count",
    ("in progress", "ещё идут"),
    ("Attempts that are not over", "Наборы, которые не закончились"),
)
FLAG_COLUMNS = tuple(Column(key, "count", *words) for key, words in FLAGS.items())
SHARES = (
    column(
        "productive_share",
        "share",
        ("productive of conversations", "результативных из разговоров"),
        ("Productive divided by conversations", "Результативные, делённые на разговоры"),
        "more",
    ),
    column(
        "target_share",
        "share",
        ("target of productive", "целевых из результативных"),
        ("Target divided by productive", "Целевые, делённые на результативные"),
        "more",
    ),
)
PEOPLE = column(
    "people",
    "count",
    ("answered by a person", "ответил человек"),
    (
        "Attempts that a person answered inside the period, with an operator or without",
        "Наборы, на которые внутри периода ответил человек, с оператором или без",
    ),
)
ABANDONED = column(
    "abandoned",
    "count",
    ("abandoned", "брошены"),
    (
        "Those of them who had no operator within the legal limit",
        "Те из них, кому оператор не достался в законный срок",
    ),
    "less",
)
ABANDONED_SHARE = column(
    "abandoned_share",
    "share",
    ("share", "доля"),
    ("Abandoned divided by answered by a person", "Брошенные, делённые на ответивших"),
    "less",
)
CAMPAIGN = column("campaign", "text", ("campaign", "кампания"), ("Its name", "Имя кампании"))
WINDOWS = Form(
    "windows",
    Sentence("Legal windows at the end of the period", "Законные окна на конец периода"),
    (
        CAMPAIGN,
        column(
            "window_s",
            "duration",
            ("window", "окно"),
            ("Length of the legal profile's window", "Длина окна правового профиля"),
        ),
        PEOPLE,
        ABANDONED,
        ABANDONED_SHARE,
        column(
            "limit",
            "share",
            ("limit", "предел"),
            (
                "The lower one of the campaign's limit and its legal profile's",
                "Меньший из пределов кампании и её правового профиля",
            ),
        ),
        column(
            "kept",
            "flag",
            ("kept", "соблюдён"),
            ("Whether the share is within the limit", "Не превышает ли доля предел"),
        ),
    ),
)
ATTEMPTS = Form(
    "attempts",
    Sentence("The abandoned attempts", "Брошенные наборы"),
    (
        column("attempt", "text", ("attempt", "набор"), ("The attempt's id", "Код набора")),
        CAMPAIGN,
        column("placed_at", "moment", ("placed", "набран"), ("When", "Когда")),
        column("answered_at", "moment", ("answered", "ответ"), ("When", "Когда")),
        column("ended_at", "moment", ("ended", "конец"), ("When", "Когда")),
        column(
            "waited_s",
            "seconds",
            ("on the line", "на линии"),
            (
                "From the answer to the end, the message included",
                "От ответа до конца, вместе с сообщением",
            ),
        ),
        column("ended_by", "text", ("ended by", "кто завершил"), ("Who", "Кто")),
    ),
    names=0,
)
DISPOSITIONS = Form(
    "dispositions",
    Sentence("Dispositions", "Результаты"),
    (
        column("code", "text", ("code", "код"), ("The disposition's code", "Код результата")),
        column("title", "text", ("disposition", "результат"), ("Its title", "Название")),
        column(
            "attempts",
            "count",
            ("attempts", "наборы"),
            ("Attempts placed in the period with it", "Наборы периода с этим результатом"),
        ),
    ),
    names=2,
)
REACH = (
    column("leads", "count", ("leads", "лиды"), ("Leads of the base", "Лиды базы")),
    column(
        "touched", "count", ("touched", "с касанием"), ("Dialed at least once", "Набраны хоть раз")
    ),
    column(
        "reached",
        "count",
        ("reached", "дозвон"),
        ("A person answered at least once", "Человек ответил хотя бы раз"),
        "more",
    ),
    column(
        "not_reached_share",
        "share",
        ("not reached", "недозвон"),
        ("Not reached of the touched", "Без дозвона среди лидов с касанием"),
        "less",
    ),
    column("closed", "count", ("closed", "закрыты"), ("Not dialed any more", "Больше не набирают")),
    column(
        "first_touch",
        "count",
        ("closed after the first touch", "закрыты после первого касания"),
        (
            "Closed after one approach without being reached",
            "Закрыты после одного касания без дозвона",
        ),
        "less",
    ),
    column(
        "first_touch_share",
        "share",
        ("share of the closed", "доля закрытых"),
        ("Closed after the first touch of all closed", "Закрытые после первого касания из всех"),
        "less",
    ),
)

# Operators' time belongs to no campaign and no list.
WORK = (
    *(DIALS, CONVERSATIONS, LINE, *INTERVALS, *WAITS, SHIFT, OCCUPANCY, TALK, TRUNK),
    *(*SIGNALS, *STATES),
)
CALLS = (DIALS, CONVERSATIONS, TALK, TRUNK, *INTERVALS, *SIGNALS)

FORMS: Mapping[str, tuple[Form, ...]] = {
    "productivity": (Form("work", Sentence("Work", "Работа"), WORK, 0),),
    "conversion": (
        Form(
            "conversion",
            Sentence("Conversion", "Конверсия"),
            (DIALS, CONVERSATIONS, *FLAG_COLUMNS, *SHARES),
            0,
        ),
    ),
    "outcomes": (
        Form("outcomes", Sentence("Outcomes", "Исходы"), (DIALS, *OUTCOMES, IN_PROGRESS), 0),
        DISPOSITIONS,
    ),
    "reach": (Form("reach", Sentence("Leads as they stand now", "Лиды на сейчас"), REACH, 0),),
    "best-hours": (HOURS,),
    "lists": (LISTS,),
    "callbacks": (Form("callbacks", Sentence("Callbacks", "Перезвоны"), CALLBACKS, 0),),
    "plan": (PLAN,),
    "signals": (SIGNALED_OPERATORS, SIGNALED_LISTS),
    "abandonment": (
        Form("ledger", Sentence("Answers", "Ответы"), (PEOPLE, ABANDONED, ABANDONED_SHARE), 0),
        WINDOWS,
        ATTEMPTS,
    ),
}
"""Tables of each report; the first one gets the columns of its cut in front."""
