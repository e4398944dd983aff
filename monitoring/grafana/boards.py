"""PURE. The six dashboards. `floor` selects by the label that the scrape configuration gives."""

from __future__ import annotations

from monitoring.grafana.model import Board, Panel, Query, Text

F = 'floor=~"$floor"'
C = f'{F},campaign=~"$campaign"'
O = f'{F},operator=~"$operator"'  # noqa: E741 - beside F and C
ANSWERED = 'outcome=~"answered|abandoned|machine"'


def quantile(q: float, metric: str, labels: str, by: str = "") -> str:
    """A quantile of a histogram over the panel's interval, kept from gaps by a longer look back."""
    group = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({group}) (rate({metric}_bucket{{{labels}}}[5m])))"


def share(part: str, whole: str) -> str:
    return f"sum({part}) / (sum({whole}) > 0) or vector(0)"


MEDIAN, P90, P99 = Text("median", "медиана"), Text("p90", "p90"), Text("p99", "p99")

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

LISTS = Board(
    "prozvon-lists",
    Text("Lists", "Базы"),
    (
        (
            Text("Work left", "Остаток работы"),
            (
                Panel(
                    Text("Leads left", "Лидов осталось"),
                    (Query(f"prozvon_campaign_leads_left{{{C}}}", "{{campaign}}"),),
                    width=12,
                    runbook="list-ends",
                ),
                Panel(
                    Text("Hours of dialing left", "Часов обзвона осталось"),
                    (
                        Query(
                            f"prozvon_campaign_work_left_seconds{{{C}}}",
                            "{{campaign}}",
                        ),
                    ),
                    unit="s",
                    width=12,
                    steps=(8 * 3600, 24 * 3600),
                    falling=True,
                    runbook="list-ends",
                ),
            ),
        ),
        (
            Text("Health, last 24 hours", "Здоровье, последние 24 часа"),
            (
                Panel(
                    Text("Attempts by list and outcome", "Наборы по базам и исходам"),
                    (
                        Query(
                            f"sum by (list, outcome) (prozvon_list_attempts_day{{{F}}})",
                            "{{list}}: {{outcome}}",
                        ),
                    ),
                    "bars",
                    width=12,
                ),
                Panel(
                    Text("Share of invalid numbers", "Доля несуществующих номеров"),
                    (
                        Query(
                            "(sum by (list) "
                            f'(prozvon_list_attempts_day{{{F},outcome="invalid"}}) '
                            f"or 0 * sum by (list) (prozvon_list_attempts_day{{{F}}})) "
                            f"/ sum by (list) (prozvon_list_attempts_day{{{F}}})",
                            "{{list}}",
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                    steps=(0.2, 0.5),
                    runbook="answer-rate",
                ),
            ),
        ),
    ),
    ("campaign",),
)

TRUNKS = Board(
    "prozvon-trunks",
    Text("Trunks and Asterisk", "Транки и Asterisk"),
    (
        (
            Text("Trunks", "Транки"),
            (
                Panel(
                    Text("Lines in use", "Занято линий"),
                    (
                        Query(f"prozvon_trunk_lines_used{{{F}}}", "{{trunk}}"),
                        Query(f"prozvon_trunk_lines{{{F}}}", "{{trunk}}: max"),
                    ),
                ),
                Panel(
                    Text("Answer share", "Доля ответов"),
                    (
                        Query(
                            "(sum by (trunk) "
                            f"(rate(prozvon_trunk_attempts_total{{{F},{ANSWERED}}}[5m])) "
                            f"or 0 * sum by (trunk) (prozvon_trunk_lines{{{F}}})) / (sum by "
                            f"(trunk) (rate(prozvon_trunk_attempts_total{{{F}}}[5m])) > 0)",
                            "{{trunk}}",
                        ),
                    ),
                    unit="percentunit",
                    runbook="answer-rate",
                ),
                Panel(
                    Text("Left alone by the breaker", "Отключены предохранителем"),
                    (Query(f"prozvon_trunk_breaker_open{{{F}}}", "{{trunk}}"),),
                    steps=(0.5, 1),
                    runbook="trunk",
                ),
                Panel(
                    Text("Line time a second", "Время линий за секунду"),
                    (
                        Query(
                            f"sum by (trunk) (rate(prozvon_trunk_line_seconds_total{{{F}}}[5m]))",
                            "{{trunk}}",
                        ),
                    ),
                    help=Text("Mean number of calls.", "Среднее число одновременных вызовов."),
                ),
                Panel(
                    Text("Ringing", "Время дозвона"),
                    (
                        Query(quantile(0.5, "prozvon_ring_seconds", F), MEDIAN),
                        Query(quantile(0.9, "prozvon_ring_seconds", F), P90),
                    ),
                    unit="s",
                ),
                Panel(
                    Text("Outcomes by trunk", "Исходы по транкам"),
                    (
                        Query(
                            "sum by (trunk, outcome) "
                            f"(rate(prozvon_trunk_attempts_total{{{F}}}[5m])) * 60",
                            "{{trunk}}: {{outcome}}",
                        ),
                    ),
                    "areas",
                ),
            ),
        ),
        (
            Text("Asterisk", "Asterisk"),
            (
                Panel(
                    Text("Channels", "Каналы"),
                    (Query(f"asterisk_channels_count{{{F}}}"),),
                ),
                Panel(
                    Text("Calls since its start", "Вызовы с его запуска"),
                    (Query(f"asterisk_calls_sum{{{F}}}"),),
                ),
                Panel(
                    Text("Uptime", "Время работы"),
                    (Query(f"asterisk_core_uptime_seconds{{{F}}}"),),
                    "number",
                    "s",
                ),
            ),
        ),
    ),
)

INTERNALS = Board(
    "prozvon-internals",
    Text("Dialer internals", "Внутри набирателя"),
    (
        (
            Text("Speed", "Скорость"),
            (
                Panel(
                    Text("Answer to operator", "От ответа до оператора"),
                    (
                        Query(quantile(0.5, "prozvon_answer_to_operator_seconds", F), MEDIAN),
                        Query(quantile(0.99, "prozvon_answer_to_operator_seconds", F), P99),
                    ),
                    unit="s",
                    steps=(0.5, 1.5),
                    runbook="slow",
                ),
                Panel(
                    Text("Within 2 s", "В пределах 2 с"),
                    (
                        Query(
                            share(
                                f'prozvon_answer_to_operator_seconds_bucket{{{F},le="2.0"}}',
                                f"prozvon_answer_to_operator_seconds_count{{{F}}}",
                            )
                        ),
                    ),
                    "number",
                    "percentunit",
                    steps=(0.97, 0.99),
                    falling=True,
                ),
                Panel(
                    Text("Event loop lag, p99", "Задержка цикла событий, p99"),
                    (Query(quantile(0.99, "prozvon_event_loop_lag_seconds", F), P99),),
                    unit="s",
                    steps=(0.05, 0.25),
                    runbook="slow",
                ),
            ),
        ),
        (
            Text("Borders", "Границы"),
            (
                Panel(
                    Text("Manager link", "Связь с Asterisk (AMI)"),
                    (Query(f"prozvon_ami_up{{{F}}}"),),
                    "number",
                    width=6,
                    steps=(0.5, 1),
                    falling=True,
                    runbook="asterisk-link",
                ),
                Panel(
                    Text("Events a second", "Событий в секунду"),
                    (Query(f"rate(prozvon_ami_events_total{{{F}}}[5m])"),),
                    width=6,
                ),
                Panel(
                    Text("FastAGI sessions", "Сессии FastAGI"),
                    (Query(f"prozvon_agi_sessions{{{F}}}"),),
                    width=6,
                ),
                Panel(
                    Text("Link lost, since the start", "Обрывов связи, с запуска"),
                    (Query(f"prozvon_ami_reconnects_total{{{F}}}"),),
                    "number",
                    width=6,
                ),
                Panel(
                    Text("Database", "База данных"),
                    (Query(f"prozvon_database_up{{{F}}}"),),
                    "number",
                    width=6,
                    steps=(0.5, 1),
                    falling=True,
                    runbook="database",
                ),
                Panel(
                    Text("Writes that wait", "Ждут записи"),
                    (Query(f"prozvon_journal_entries{{{F}}}"),),
                    width=6,
                    runbook="database",
                ),
                Panel(
                    Text("Oldest waiting write", "Старейшая запись в очереди"),
                    (Query(f"prozvon_journal_oldest_seconds{{{F}}}"),),
                    unit="s",
                    width=6,
                    steps=(10, 30),
                    runbook="database",
                ),
                Panel(
                    Text("Database connections", "Соединения с базой"),
                    (Query(f"prozvon_database_connections{{{F}}}", "{{state}}"),),
                    "areas",
                    width=6,
                ),
                Panel(
                    Text("Room for recordings", "Место для записей"),
                    (
                        Query(
                            f"prozvon_recordings_free_bytes{{{F}}}",
                            Text("free", "свободно"),
                        ),
                        Query(
                            f"prozvon_recordings_needed_bytes{{{F}}}",
                            Text("needed", "нужно"),
                        ),
                    ),
                    unit="bytes",
                    width=12,
                    runbook="recordings-disk",
                ),
                Panel(
                    Text("Version", "Версия"),
                    (
                        Query(
                            f"prozvon_build_info{{{F}}}",
                            "Prozvon {{version}}, Python {{python}}",
                        ),
                    ),
                    "number",
                    width=12,
                ),
            ),
        ),
    ),
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
