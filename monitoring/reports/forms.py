"""PURE. The tables of every report: their columns, and what exactly each of them counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from campaigns.refusals import Sentence
from dialer.operators import OperatorState
from dialer.outcomes import EndedBy, Outcome
from monitoring.reports.sheet import Column, Form, Kind

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


def _column(
    key: str,
    kind: Kind,
    title: tuple[str, str],
    help: tuple[str, str],
    better: Literal["more", "less"] | None = None,
) -> Column:
    return Column(key, kind, Sentence(*title), Sentence(*help), better)


DIALS = _column(
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
CONVERSATIONS = _column(
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
TALK = _column(
    "talk_s",
    "duration",
    ("talk time", "время разговоров"),
    (
        "Length of these conversations, of each operator his part",
        "Длительность этих разговоров, у каждого оператора его часть",
    ),
)
LINE = _column(
    "line_s",
    "duration",
    ("line time", "время на линии"),
    (
        "Operators' time in dialing, talking, hold and consult inside the period",
        "Время операторов в наборе, разговоре, удержании и консультации внутри периода",
    ),
    "more",
)
TRUNK = _column(
    "trunk_s",
    "duration",
    ("time on trunks", "время линий"),
    (
        "From placing to hang-up of each attempt placed in the period",
        "От начала набора до отбоя каждого набора, начатого в периоде",
    ),
)
INTERVALS = (
    _column(
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
    _column(
        "interval_p90_s",
        "seconds",
        ("interval, p90", "интервал, p90"),
        ("Nine dial intervals of ten are shorter", "Девять интервалов из десяти короче"),
        "less",
    ),
)
WAITS = (
    _column(
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
    _column(
        "wait_p90_s",
        "seconds",
        ("wait, p90", "ожидание, p90"),
        ("Nine such waits of ten are shorter", "Девять таких ожиданий из десяти короче"),
        "less",
    ),
)
SIGNALS = (
    _column(
        "short",
        "count",
        ("short conversations", "короткие разговоры"),
        ("Conversations of less than 10 s", "Разговоры короче 10 с"),
        "less",
    ),
    _column(
        "given_up",
        "count",
        ("own hang-ups", "свои отбои"),
        (
            "Attempts that the operator ended before an answer",
            "Наборы, которые оператор прервал до ответа",
        ),
        "less",
    ),
    _column(
        "given_up_ring_s",
        "seconds",
        ("ringing before them", "гудки до отбоя"),
        (
            "Seconds of ringing before the operator's own hang-up, median",
            "Секунды гудков до отбоя самим оператором, медиана",
        ),
    ),
)
SHIFT = _column(
    "shift_s",
    "duration",
    ("shift", "смена"),
    ("Time signed in inside the period", "Время в системе внутри периода"),
)
OCCUPANCY = _column(
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
IN_PROGRESS = _column(
    "in_progress",
    "count",
    ("in progress", "ещё идут"),
    ("Attempts that are not over", "Наборы, которые не закончились"),
)
FLAG_COLUMNS = tuple(Column(key, "count", *words) for key, words in FLAGS.items())
SHARES = (
    _column(
        "productive_share",
        "share",
        ("productive of conversations", "результативных из разговоров"),
        ("Productive divided by conversations", "Результативные, делённые на разговоры"),
        "more",
    ),
    _column(
        "target_share",
        "share",
        ("target of productive", "целевых из результативных"),
        ("Target divided by productive", "Целевые, делённые на результативные"),
        "more",
    ),
)
PEOPLE = _column(
    "people",
    "count",
    ("answered by a person", "ответил человек"),
    (
        "Attempts that a person answered inside the period, with an operator or without",
        "Наборы, на которые внутри периода ответил человек, с оператором или без",
    ),
)
ABANDONED = _column(
    "abandoned",
    "count",
    ("abandoned", "брошены"),
    (
        "Those of them who had no operator within the legal limit",
        "Те из них, кому оператор не достался в законный срок",
    ),
    "less",
)
ABANDONED_SHARE = _column(
    "abandoned_share",
    "share",
    ("share", "доля"),
    ("Abandoned divided by answered by a person", "Брошенные, делённые на ответивших"),
    "less",
)
CAMPAIGN = _column("campaign", "text", ("campaign", "кампания"), ("Its name", "Имя кампании"))
WINDOWS = Form(
    "windows",
    Sentence("Legal windows at the end of the period", "Законные окна на конец периода"),
    (
        CAMPAIGN,
        _column(
            "window_s",
            "duration",
            ("window", "окно"),
            ("Length of the legal profile's window", "Длина окна правового профиля"),
        ),
        PEOPLE,
        ABANDONED,
        ABANDONED_SHARE,
        _column(
            "limit",
            "share",
            ("limit", "предел"),
            (
                "The lower one of the campaign's limit and its legal profile's",
                "Меньший из пределов кампании и её правового профиля",
            ),
        ),
        _column(
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
        _column("attempt", "text", ("attempt", "набор"), ("The attempt's id", "Код набора")),
        CAMPAIGN,
        _column("placed_at", "moment", ("placed", "набран"), ("When", "Когда")),
        _column("answered_at", "moment", ("answered", "ответ"), ("When", "Когда")),
        _column("ended_at", "moment", ("ended", "конец"), ("When", "Когда")),
        _column(
            "waited_s",
            "seconds",
            ("on the line", "на линии"),
            (
                "From the answer to the end, the message included",
                "От ответа до конца, вместе с сообщением",
            ),
        ),
        _column("ended_by", "text", ("ended by", "кто завершил"), ("Who", "Кто")),
    ),
    names=0,
)
DISPOSITIONS = Form(
    "dispositions",
    Sentence("Dispositions", "Результаты"),
    (
        _column("code", "text", ("code", "код"), ("The disposition's code", "Код результата")),
        _column("title", "text", ("disposition", "результат"), ("Its title", "Название")),
        _column(
            "attempts",
            "count",
            ("attempts", "наборы"),
            ("Attempts placed in the period with it", "Наборы периода с этим результатом"),
        ),
    ),
    names=2,
)
REACH = (
    _column("leads", "count", ("leads", "лиды"), ("Leads of the base", "Лиды базы")),
    _column(
        "touched", "count", ("touched", "с касанием"), ("Dialed at least once", "Набраны хоть раз")
    ),
    _column(
        "reached",
        "count",
        ("reached", "дозвон"),
        ("A person answered at least once", "Человек ответил хотя бы раз"),
        "more",
    ),
    _column(
        "not_reached_share",
        "share",
        ("not reached", "недозвон"),
        ("Not reached of the touched", "Без дозвона среди лидов с касанием"),
        "less",
    ),
    _column(
        "closed", "count", ("closed", "закрыты"), ("Not dialed any more", "Больше не набирают")
    ),
    _column(
        "first_touch",
        "count",
        ("closed after the first touch", "закрыты после первого касания"),
        (
            "Closed after one approach without being reached",
            "Закрыты после одного касания без дозвона",
        ),
        "less",
    ),
    _column(
        "first_touch_share",
        "share",
        ("share of the closed", "доля закрытых"),
        ("Closed after the first touch of all closed", "Закрытые после первого касания из всех"),
        "less",
    ),
)

HOURS = Form(
    "hours",
    Sentence("Answers by weekday and hour", "Ответы по дням недели и часам"),
    (
        _column(
            "weekday",
            "weekday",
            ("weekday", "день недели"),
            ("Of the called person's own time", "По времени абонента"),
        ),
        _column(
            "hour",
            "hour",
            ("hour", "час"),
            (
                "Of the called person's own time: the contact's zone, else the phone's where it "
                "leaves only one open, else the floor's",
                "По времени абонента: пояс контакта, иначе телефона, если он один, иначе площадки",
            ),
        ),
        _column(
            "dials",
            "count",
            ("dials", "наборы"),
            (
                "Attempts of the period, without dead numbers and what the line or the node lost",
                "Наборы периода без мёртвых номеров и того, что потеряли линия или узел",
            ),
        ),
        _column(
            "answers",
            "count",
            ("answers", "ответы"),
            ("Those that a person answered", "Те, на которые ответил человек"),
        ),
        _column(
            "answer_share",
            "share",
            ("share of answers", "доля ответов"),
            ("Answers divided by dials", "Ответы, делённые на наборы"),
            "more",
        ),
        _column(
            "expected_share",
            "share",
            ("to be expected", "ожидаемая доля"),
            (
                "The share pulled to that of the hour and of all dials, as few dials say little",
                "Доля, сглаженная к доле часа и всех наборов: малые числа обманчивы",
            ),
        ),
    ),
    names=2,
)
LISTS = Form(
    "lists",
    Sentence("Lists as they stand now", "Базы на сейчас"),
    (
        _column("list", "text", ("list", "база"), ("Its name", "Имя базы")),
        _column("contacts", "count", ("contacts", "контакты"), ("All of them", "Все")),
        _column(
            "open",
            "count",
            ("still to dial", "ещё набирать"),
            (
                "Leads that are not closed, and contacts that are no lead yet",
                "Незакрытые лиды и контакты, которые ещё не лиды",
            ),
        ),
        _column(
            "closed", "count", ("closed", "закрыты"), ("Not dialed any more", "Больше не набирают")
        ),
        _column(
            "closed_per_day",
            "number",
            ("closed a day", "закрывается в день"),
            (
                "Leads closed a day, over the last 7 days on which the list was dialed",
                "Лидов закрыто за день, по последним 7 дням, когда базу набирали",
            ),
        ),
        _column(
            "days_left",
            "number",
            ("days of work left", "осталось дней работы"),
            (
                "What is still to dial, divided by what is closed a day",
                "Ещё набирать, делённое на закрываемое за день",
            ),
        ),
        _column(
            "attempts", "count", ("attempts", "наборы"), ("Ended ones, ever", "Законченные, всего")
        ),
        _column(
            "answered_share",
            "share",
            ("answered", "ответили"),
            (
                "Of the attempts that say something of the number",
                "Из наборов, которые говорят о номере",
            ),
            "more",
        ),
        _column(
            "invalid_share",
            "share",
            ("dead numbers", "мёртвые номера"),
            ("Attempts on numbers that do not exist", "Наборы несуществующих номеров"),
            "less",
        ),
        _column(
            "not_reached_share",
            "share",
            ("not reached", "недозвон"),
            ("Not reached of the touched leads", "Без дозвона среди лидов с касанием"),
            "less",
        ),
        _column(
            "first_touch_share",
            "share",
            ("closed at first touch", "закрыты с первого касания"),
            (
                "Closed after one approach without being reached, of all closed",
                "Закрыты после одного касания без дозвона, из всех закрытых",
            ),
            "less",
        ),
    ),
)
CALLBACKS = (
    _column(
        "promised",
        "count",
        ("promised", "обещано"),
        (
            "Callbacks promised for a time in the period, without the canceled ones",
            "Перезвоны, обещанные на время внутри периода, без отменённых",
        ),
    ),
    _column(
        "kept",
        "count",
        ("kept", "вовремя"),
        (
            "Dialed no later than the callback's own grace after the promised time",
            "Набраны не позже отсрочки перезвона после обещанного времени",
        ),
        "more",
    ),
    _column("late", "count", ("late", "с опозданием"), ("Dialed later", "Набраны позже"), "less"),
    _column(
        "missed",
        "count",
        ("missed", "пропущены"),
        (
            "Not dialed, though the time and the grace are over",
            "Не набраны, хотя время и отсрочка прошли",
        ),
        "less",
    ),
    _column(
        "waiting", "count", ("waiting", "ждут"), ("Their time is not over", "Их время не прошло")
    ),
    _column(
        "kept_share",
        "share",
        ("kept, share", "доля вовремя"),
        ("Kept of kept, late and missed", "Вовремя из набранных и пропущенных"),
        "more",
    ),
    _column(
        "reached",
        "count",
        ("conversations", "разговоры"),
        ("Promised ones that came to a conversation", "Обещанные, по которым был разговор"),
        "more",
    ),
    _column(
        "late_median_s",
        "duration",
        ("delay, median", "задержка, медиана"),
        (
            "From the promised time to the first dial, median of those dialed",
            "От обещанного времени до первого набора, медиана по набранным",
        ),
        "less",
    ),
    _column(
        "canceled",
        "count",
        ("canceled", "отменены"),
        ("Taken back, or replaced by a newer one", "Сняты или заменены новыми"),
    ),
)

PLAN_MEASURE = _column(
    "measure", "text", ("measure", "показатель"), ("What is counted", "Что считается")
)
PLAN = Form(
    "plan",
    Sentence("Plan and fact", "План и факт"),
    (
        _column(
            "plan",
            "number",
            ("plan", "план"),
            (
                "The plan of a day times its working days in the period, the last one whole",
                "План на день, умноженный на рабочие дни периода; последний день целиком",
            ),
        ),
        _column(
            "fact",
            "number",
            ("fact", "факт"),
            ("What was done in the period", "Сделано за период"),
            "more",
        ),
        _column("done", "share", ("done", "выполнено"), ("Fact of plan", "Факт от плана"), "more"),
        _column("left", "number", ("left", "осталось"), ("To the plan", "До плана"), "less"),
        _column(
            "checkpoint_plan",
            "number",
            ("plan at the checkpoint", "план к контрольному часу"),
            (
                "What should be done by the plan's own hour of the period's last day",
                "Сколько должно быть сделано к контрольному часу последнего дня периода",
            ),
        ),
        _column(
            "checkpoint_fact",
            "number",
            ("fact at the checkpoint", "факт к контрольному часу"),
            ("What was done on that day by then", "Сколько сделано в этот день к этому часу"),
            "more",
        ),
        _column(
            "on_time",
            "flag",
            ("in time", "успевали"),
            ("Whether it was enough", "Достаточно ли было сделано"),
        ),
    ),
    names=0,
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
    "abandonment": (
        Form("ledger", Sentence("Answers", "Ответы"), (PEOPLE, ABANDONED, ABANDONED_SHARE), 0),
        WINDOWS,
        ATTEMPTS,
    ),
}
"""Tables of each report; the first one gets the columns of its cut in front."""
