"""PURE. The tables of reports about lists."""

from __future__ import annotations

from campaigns.refusals import Sentence
from monitoring.reports.columns import column
from monitoring.reports.sheet import Form

HOURS = Form(
    "hours",
    Sentence("Answers by weekday and hour", "Ответы по дням недели и часам"),
    (
        column(
            "weekday",
            "weekday",
            ("weekday", "день недели"),
            ("Of the called person's own time", "По времени абонента"),
        ),
        column(
            "hour",
            "hour",
            ("hour", "час"),
            (
                "Of the called person's own time: the contact's zone, else the phone's where it "
                "leaves only one open, else the floor's",
                "По времени абонента: пояс контакта, иначе телефона, если он один, иначе площадки",
            ),
        ),
        column(
            "dials",
            "count",
            ("dials", "наборы"),
            (
                "Attempts of the period, without dead numbers and what the line or the node lost",
                "Наборы периода без мёртвых номеров и того, что потеряли линия или узел",
            ),
        ),
        column(
            "answers",
            "count",
            ("answers", "ответы"),
            ("Those that a person answered", "Те, на которые ответил человек"),
        ),
        column(
            "answer_share",
            "share",
            ("share of answers", "доля ответов"),
            ("Answers divided by dials", "Ответы, делённые на наборы"),
            "more",
        ),
        column(
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
        column("list", "text", ("list", "база"), ("Its name", "Имя базы")),
        column("contacts", "count", ("contacts", "контакты"), ("All of them", "Все")),
        column(
            "open",
            "count",
            ("still to dial", "ещё набирать"),
            (
                "Leads that are not closed, and contacts that are no lead yet",
                "Незакрытые лиды и контакты, которые ещё не лиды",
            ),
        ),
        column(
            "closed", "count", ("closed", "закрыты"), ("Not dialed any more", "Больше не набирают")
        ),
        column(
            "closed_per_day",
            "number",
            ("closed a day", "закрывается в день"),
            (
                "Leads closed a day, over the last 7 days on which the list was dialed",
                "Лидов закрыто за день, по последним 7 дням, когда базу набирали",
            ),
        ),
        column(
            "days_left",
            "number",
            ("days of work left", "осталось дней работы"),
            (
                "What is still to dial, divided by what is closed a day",
                "Ещё набирать, делённое на закрываемое за день",
            ),
        ),
        column(
            "attempts", "count", ("attempts", "наборы"), ("Ended ones, ever", "Законченные, всего")
        ),
        column(
            "answered_share",
            "share",
            ("answered", "ответили"),
            (
                "Of the attempts that say something of the number",
                "Из наборов, которые говорят о номере",
            ),
            "more",
        ),
        column(
            "invalid_share",
            "share",
            ("dead numbers", "мёртвые номера"),
            ("Attempts on numbers that do not exist", "Наборы несуществующих номеров"),
            "less",
        ),
        column(
            "not_reached_share",
            "share",
            ("not reached", "недозвон"),
            ("Not reached of the touched leads", "Без дозвона среди лидов с касанием"),
            "less",
        ),
        column(
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
