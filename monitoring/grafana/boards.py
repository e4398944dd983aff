"""PURE. The six dashboards. `floor` selects by the label that the scrape configuration gives."""

from __future__ import annotations

from monitoring.grafana.boards_technical import INTERNALS, LISTS, TRUNKS
from monitoring.grafana.expressions import MEDIAN, P90, C, F, O, quantile
from monitoring.grafana.model import Board, Panel, Query, Text

FLOOR_LIVE = Board(
    "prozvon-floor",
    Text("Floor live", "Площадка сейчас"),
    (
        (
            Text("Now", "Сейчас"),
            (
                Panel(
                    Text("Operators signed in", "Операторов в смене"),
                    (Query(f"sum(prozvon_operators{{{F}}})"),),
                    "number",
                    width=4,
                ),
                Panel(
                    Text("Talking", "Разговаривают"),
                    (Query(f'sum(prozvon_operators{{{F},state="talking"}})'),),
                    "number",
                    width=4,
                ),
                Panel(
                    Text("Ready", "Свободны"),
                    (Query(f'sum(prozvon_operators{{{F},state="ready"}})'),),
                    "number",
                    width=4,
                    runbook="not-dialing",
                ),
                Panel(
                    Text("Calls in progress", "Вызовов на линии"),
                    (Query(f"sum(prozvon_calls_in_progress{{{F}}})"),),
                    "number",
                    width=4,
                ),
                Panel(
                    Text("Answered people waiting", "Ждут оператора"),
                    (Query(f'sum(prozvon_calls_in_progress{{{F},stage="waiting"}})'),),
                    "number",
                    width=4,
                    steps=(1, 3),
                ),
                Panel(
                    Text("Abandonment limit used, worst", "Лимит потерь израсходован, худший"),
                    (
                        Query(
                            f"max(prozvon_abandonment_ratio{{{F}}} "
                            f"/ (prozvon_abandonment_limit_ratio{{{F}}} > 0)) or vector(0)"
                        ),
                    ),
                    "number",
                    "percentunit",
                    4,
                    steps=(0.85, 1.0),
                    runbook="abandonment",
                ),
            ),
        ),
        (
            Text("Work", "Работа"),
            (
                Panel(
                    Text("Operators by state", "Операторы по состояниям"),
                    (Query(f"sum by (state) (prozvon_operators{{{F}}})", "{{state}}"),),
                    "areas",
                    width=12,
                ),
                Panel(
                    Text("Calls by stage", "Вызовы по стадиям"),
                    (Query(f"sum by (stage) (prozvon_calls_in_progress{{{F}}})", "{{stage}}"),),
                    "areas",
                    width=12,
                ),
                Panel(
                    Text("Line time, share of the shift", "Время на линии, доля смены"),
                    (
                        Query(
                            f"sum(rate(prozvon_operator_line_seconds_total{{{F}}}[5m])) "
                            f"/ (sum(prozvon_operators{{{F}}}) > 0) or vector(0)",
                            Text("line time", "время на линии"),
                        ),
                    ),
                    unit="percentunit",
                    help=Text(
                        "Dialing, talking, hold and consult of all who are signed in.",
                        "Набор, разговор, удержание и консультация всех, кто в смене.",
                    ),
                ),
                Panel(
                    Text("Wait for a conversation", "Ожидание разговора"),
                    (
                        Query(quantile(0.5, "prozvon_operator_wait_seconds", F), MEDIAN),
                        Query(quantile(0.9, "prozvon_operator_wait_seconds", F), P90),
                    ),
                    unit="s",
                    steps=(60, 90),
                    runbook="waiting",
                ),
                Panel(
                    Text("Dials and conversations", "Наборы и разговоры"),
                    (
                        Query(
                            f"sum(rate(prozvon_dials_total{{{F}}}[5m])) * 60",
                            Text("dials a minute", "наборов в минуту"),
                        ),
                        Query(
                            f"sum(rate(prozvon_conversations_total{{{F}}}[5m])) * 60",
                            Text("conversations a minute", "разговоров в минуту"),
                        ),
                    ),
                ),
            ),
        ),
    ),
)

CAMPAIGN = Board(
    "prozvon-campaign",
    Text("Campaign", "Кампания"),
    (
        (
            Text("Pace", "Темп"),
            (
                Panel(
                    Text("Dials a minute", "Наборов в минуту"),
                    (
                        Query(
                            f"sum by (campaign) (rate(prozvon_dials_total{{{C}}}[5m])) * 60",
                            "{{campaign}}",
                        ),
                    ),
                ),
                Panel(
                    Text("Dial interval", "Интервал между наборами"),
                    (
                        Query(
                            quantile(0.5, "prozvon_dial_interval_seconds", C, "campaign"),
                            "{{campaign}} p50",
                        ),
                        Query(
                            quantile(0.9, "prozvon_dial_interval_seconds", C, "campaign"),
                            "{{campaign}} p90",
                        ),
                    ),
                    unit="s",
                    steps=(60, 120),
                    runbook="waiting",
                ),
                Panel(
                    Text("Conversations an hour", "Разговоров в час"),
                    (
                        Query(
                            "sum by (campaign) "
                            f"(rate(prozvon_campaign_conversations_total{{{C}}}[5m])) * 3600",
                            "{{campaign}}",
                        ),
                    ),
                ),
                Panel(
                    Text("What limited pacing", "Что ограничивало набор"),
                    (
                        Query(
                            "sum by (limited_by) "
                            f"(rate(prozvon_pacing_decisions_total{{{C}}}[5m]))",
                            "{{limited_by}}",
                        ),
                    ),
                    "areas",
                    "ops",
                    12,
                    runbook="not-dialing",
                ),
                Panel(
                    Text("Outcomes a minute", "Исходы в минуту"),
                    (
                        Query(
                            "sum by (outcome) "
                            f"(rate(prozvon_campaign_attempts_total{{{C}}}[5m])) * 60",
                            "{{outcome}}",
                        ),
                    ),
                    "areas",
                    width=12,
                ),
            ),
        ),
        (
            Text("Law", "Закон"),
            (
                Panel(
                    Text("Abandoned, of those who answered", "Потеряно, от ответивших"),
                    (
                        Query(f"prozvon_abandonment_ratio{{{C}}}", "{{campaign}}"),
                        Query(
                            f"max(prozvon_abandonment_limit_ratio{{{C}}})",
                            Text("limit", "предел"),
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                    runbook="abandonment",
                ),
                Panel(
                    Text("People who may still be abandoned", "Сколько ещё можно потерять"),
                    (Query(f"prozvon_abandonment_budget_people{{{C}}}", "{{campaign}}"),),
                    width=12,
                    steps=(0, 1),
                    falling=True,
                    runbook="abandonment",
                ),
            ),
        ),
    ),
    ("campaign",),
)

OPERATORS = Board(
    "prozvon-operators",
    Text("Operators", "Операторы"),
    (
        (
            Text("Productivity", "Производительность"),
            (
                Panel(
                    Text("Line time, share of time", "Время на линии, доля времени"),
                    (
                        Query(
                            f"rate(prozvon_operator_line_seconds_total{{{O}}}[15m])",
                            "{{operator}}",
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                ),
                Panel(
                    Text("Dial interval, median", "Интервал между наборами, медиана"),
                    (
                        Query(
                            quantile(0.5, "prozvon_operator_dial_interval_seconds", O, "operator"),
                            "{{operator}}",
                        ),
                    ),
                    unit="s",
                    width=12,
                    help=Text(
                        "Start to start, pauses excluded. Predictive dials belong to nobody.",
                        "От начала до начала, без пауз. Предиктивный набор никому не принадлежит.",
                    ),
                ),
                Panel(
                    Text("Conversations, since the start", "Разговоры, с запуска"),
                    (
                        Query(
                            f"sum by (operator) (prozvon_operator_conversations_total{{{O}}})",
                            "{{operator}}",
                        ),
                    ),
                    "bars",
                    width=12,
                ),
                Panel(
                    Text("Dials, since the start", "Наборы, с запуска"),
                    (
                        Query(
                            f"sum by (operator) (prozvon_operator_dials_total{{{O}}})",
                            "{{operator}}",
                        ),
                    ),
                    "bars",
                    width=12,
                ),
                Panel(
                    Text("Time by state", "Время по состояниям"),
                    (
                        Query(
                            "sum by (state) "
                            f"(rate(prozvon_operator_state_seconds_total{{{O}}}[5m]))",
                            "{{state}}",
                        ),
                    ),
                    "areas",
                    width=12,
                ),
                Panel(
                    Text("Wrap-up", "Послеразговорная работа"),
                    (
                        Query(quantile(0.5, "prozvon_wrap_up_seconds", F), MEDIAN),
                        Query(quantile(0.9, "prozvon_wrap_up_seconds", F), P90),
                    ),
                    unit="s",
                    width=12,
                ),
            ),
        ),
    ),
    ("operator",),
)

BOARDS = (FLOOR_LIVE, CAMPAIGN, OPERATORS, LISTS, TRUNKS, INTERNALS)
VARIABLES = {
    "floor": (Text("Floor", "Площадка"), "label_values(prozvon_build_info, floor)"),
    "campaign": (
        Text("Campaign", "Кампания"),
        'label_values(prozvon_dials_total{floor=~"$floor"}, campaign)',
    ),
    "operator": (
        Text("Operator", "Оператор"),
        'label_values(prozvon_operator_line_seconds_total{floor=~"$floor"}, operator)',
    ),
}
"""Name -> (label on the screen, Grafana's query)."""
