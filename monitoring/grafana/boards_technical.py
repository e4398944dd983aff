"""PURE. The dashboards of lists, trunks and the dialer itself."""

from __future__ import annotations

from monitoring.grafana.expressions import ANSWERED, MEDIAN, P90, P99, C, F, quantile, share
from monitoring.grafana.model import Board, Panel, Query, Text

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
                        Query(
                            f"prozvon_campaign_dialed_day_seconds{{{C}}}",
                            Text("{{campaign}}: a day", "{{campaign}}: день"),
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
                    Text("FastAGI sessions a minute", "Сессий FastAGI в минуту"),
                    (
                        Query(
                            f"60 * sum by (route, result) "
                            f"(rate(prozvon_agi_sessions_ended_total{{{F}}}[5m]))",
                            "{{route}}: {{result}}",
                        ),
                    ),
                    "areas",
                    width=6,
                    runbook="agi",
                ),
                Panel(
                    Text("In FastAGI at once, mean", "Одновременно в FastAGI, среднее"),
                    (
                        Query(
                            f"sum by (route) (rate(prozvon_agi_session_seconds_sum{{{F}}}[5m]))",
                            "{{route}}",
                        ),
                    ),
                    width=6,
                    runbook="agi",
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
