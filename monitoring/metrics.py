"""What the process counts for Prometheus. Call sites know no labels; no personal data goes in.

Operators are labelled by login (a staff code), never by name or phone. Counters count since the
process started; the database has the whole history. docs/reference/metrics.md is made from here.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from agi.server import RESULTS
from dialer.calls import Ended
from dialer.operators import LINE_STATES, OperatorState
from dialer.outcomes import Outcome
from monitoring.exposition import Exposition

REGISTRY = CollectorRegistry()
# Else every series has a second one, with nothing that a floor needs.
disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric as Prometheus sees it; `bounds` of a histogram, without the infinite one."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


FAMILIES: list[Family] = []
"""All metrics, in the order of the reference."""
_exposition = Exposition([])
M = TypeVar("M", Counter, Gauge, Histogram)


def _counter(name: str, help: str, *labels: str) -> Counter:
    metric = Counter(name, help, labels, registry=REGISTRY)
    return _listed(Family(name, "counter", help, labels), metric)


def _gauge(name: str, help: str, *labels: str) -> Gauge:
    return _listed(
        Family(name, "gauge", help, labels), Gauge(name, help, labels, registry=REGISTRY)
    )


def _histogram(name: str, help: str, bounds: tuple[float, ...], *labels: str) -> Histogram:
    metric = Histogram(name, help, labels, buckets=bounds, registry=REGISTRY)
    return _listed(Family(name, "histogram", help, labels, bounds), metric)


def _listed(family: Family, metric: M) -> M:
    FAMILIES.append(family)
    _exposition.metrics.append((family.name, family.kind, family.help, metric))
    return metric


class Bounded:
    """Keeps a label's values few: what comes after the first `limit` is counted as `other`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._seen: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._seen:
            if len(self._seen) >= self.limit:
                return "other"
            self._seen.add(value)
        return value


_campaign, _operator, _trunk, _list = Bounded(500), Bounded(1000), Bounded(50), Bounded(200)


@cache
def _of(metric: M, *labels: str) -> M:
    """The series with these labels; it is looked up once. Not for metrics that are cleared."""
    return metric.labels(*labels)


# Bounds hold the legal thresholds: 2 s to an operator, 15 s and 20 s of ringing.
ANSWER_TO_OPERATOR_BOUNDS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0,
)  # fmt: skip
RING_BOUNDS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 45, 60, 120)
TALK_BOUNDS = (1, 3, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 3600)
WRAP_UP_BOUNDS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300)
DIAL_INTERVAL_BOUNDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600)
WAIT_BOUNDS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
# A person who waits is in the session: up to the legal 2 s, and the node's own limit behind it.
AGI_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 5.0)
LOOP_LAG_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

_build = _gauge("prozvon_build_info", "Version of Prozvon", "version", "python")
_attempts = _counter("prozvon_attempts_total", "Attempts ended, by outcome", "outcome")
_campaign_attempts = _counter(
    "prozvon_campaign_attempts_total",
    "Attempts ended, by campaign and outcome",
    "campaign",
    "outcome",
)
_trunk_attempts = _counter(
    "prozvon_trunk_attempts_total", "Attempts ended, by trunk and outcome", "trunk", "outcome"
)
_dials = _counter("prozvon_dials_total", "Dials started", "campaign")
_operator_dials = _counter(
    "prozvon_operator_dials_total", "Dials started for an operator", "operator"
)
_operator_conversations = _counter(
    "prozvon_operator_conversations_total", "Conversations begun by an operator", "operator"
)
_answered = _counter("prozvon_answered_total", "Attempts answered")
_conversations = _counter("prozvon_conversations_total", "Conversations begun")
_campaign_conversations = _counter(
    "prozvon_campaign_conversations_total", "Conversations begun, by campaign", "campaign"
)
_campaign_talk = _counter(
    "prozvon_campaign_talk_seconds_total", "Time in conversations, by campaign", "campaign"
)
_operator_wait = _histogram(
    "prozvon_operator_wait_seconds", "Ready to the next conversation", WAIT_BOUNDS
)
_in_progress = _gauge("prozvon_calls_in_progress", "Attempts in progress, by stage", "stage")
_operators = _gauge("prozvon_operators", "Operators by state", "state")
_operator_line = _counter(
    "prozvon_operator_line_seconds_total",
    "Operator's line time: dialing, talking, hold, consult",
    "operator",
)
_operator_state = _counter(
    "prozvon_operator_state_seconds_total", "Operators' time in each state", "operator", "state"
)
_trunk_line = _counter(
    "prozvon_trunk_line_seconds_total",
    "Trunk's line time: from placing to hang-up of each call",
    "trunk",
)
_dial_interval = _histogram(
    "prozvon_dial_interval_seconds",
    "Start to start of a campaign's dials",
    DIAL_INTERVAL_BOUNDS,
    "campaign",
)
_operator_dial_interval = _histogram(
    "prozvon_operator_dial_interval_seconds",
    "Start to start of an operator's dials, pauses excluded",
    DIAL_INTERVAL_BOUNDS,
    "operator",
)
_ring = _histogram("prozvon_ring_seconds", "First ringing to answer or end", RING_BOUNDS)
_talk = _histogram("prozvon_talk_seconds", "Length of conversations", TALK_BOUNDS)
_wrap_up = _histogram("prozvon_wrap_up_seconds", "Length of wrap-ups", WRAP_UP_BOUNDS)
_answer_to_operator = _histogram(
    "prozvon_answer_to_operator_seconds",
    "Answer to the bridge with an operator",
    ANSWER_TO_OPERATOR_BOUNDS,
)
_decisions = _counter(
    "prozvon_pacing_decisions_total",
    "Pacing decisions by what limited them",
    "campaign",
    "limited_by",
)
_asked = _counter(
    "prozvon_pacing_calls_asked_total",
    "Calls that pacing would have placed, decision by decision, without lines, leads and caps",
    "campaign",
)
_allowed = _counter("prozvon_pacing_calls_allowed_total", "Calls that decisions placed", "campaign")
_keys = _counter("prozvon_broadcast_keys_total", "Answers by keys in broadcasts")
_pacer_failures = _counter(
    "prozvon_pacer_failures_total",
    "Pacing engines that raised and were replaced by progressive pacing",
    "campaign",
)
_holds = _counter("prozvon_holds_total", "Persons put on hold by their operator")
_parks = _counter("prozvon_parks_total", "Persons parked for another operator")
_transfers = _counter(
    "prozvon_transfers_total",
    "Calls handed over (blind, warm) or widened (three_way), by whom they went to",
    "kind",
    "target",
)
_talk_refused = _counter(
    "prozvon_call_actions_refused_total",
    "Requests in a call that were refused, by request and reason",
    "action",
    "reason",
)
_codes_refused = _counter(
    "prozvon_codes_refused_total", "`*` codes of phones that were refused, by reason", "reason"
)
_ami_up = _gauge("prozvon_ami_up", "1 while the manager link is ready")
_ami_reconnects = _counter("prozvon_ami_reconnects_total", "Manager links made after the first")
_loop_lag = _histogram(
    "prozvon_event_loop_lag_seconds", "How late the event loop runs", LOOP_LAG_BOUNDS
)
_pool = _gauge("prozvon_database_connections", "Database connections by state", "state")
_journal = _gauge("prozvon_journal_entries", "Writes that wait for the database")
_trunk_open = _gauge(
    "prozvon_trunk_breaker_open", "1 while a trunk that does not ring is left alone", "trunk"
)
_trunk_up = _gauge(
    "prozvon_trunk_up",
    "1 while a trunk answers OPTIONS and is registered, as far as asked",
    "trunk",
)
_passed_on = _counter(
    "prozvon_trunk_passed_on_total",
    "Attempts that a trunk never took up and that went to another one at once",
    "trunk",
)
_trunk_lines = _gauge("prozvon_trunk_lines_used", "Lines of a trunk in use", "trunk")
_trunk_limit = _gauge("prozvon_trunk_lines", "Lines that a trunk has", "trunk")
_agi = _gauge("prozvon_agi_sessions", "FastAGI sessions open")
_agi_ended = _counter(
    "prozvon_agi_sessions_ended_total",
    "FastAGI sessions by route (none: it never came to one) and by how they ended",
    "route",
    "result",
)
_agi_seconds = _histogram(
    "prozvon_agi_session_seconds",
    "How long a FastAGI session took, from the connection to its route's end",
    AGI_BOUNDS,
    "route",
)
_ami_events = _counter("prozvon_ami_events_total", "Events read from the manager link")
_database_up = _gauge("prozvon_database_up", "1 while the database answers")
_journal_age = _gauge(
    "prozvon_journal_oldest_seconds", "How long the oldest waiting write has been waiting"
)
_disk_free = _gauge("prozvon_recordings_free_bytes", "Free space where recordings are kept")
_disk_needed = _gauge(
    "prozvon_recordings_needed_bytes", "Free space without which recording campaigns stop"
)
_campaign_running = _gauge(
    "prozvon_campaign_running", "1 while a campaign may dial", "campaign", "mode"
)
_campaign_leads = _gauge(
    "prozvon_campaign_leads_left",
    "Leads of a running campaign that can still be dialed",
    "campaign",
)
_campaign_work = _gauge(
    "prozvon_campaign_work_left_seconds",
    "Time of dialing until the leads end, at the pace of the last day",
    "campaign",
)
_campaign_day = _gauge(
    "prozvon_campaign_dialed_day_seconds",
    "Hours of the last day in which a running campaign dialed: its day's length",
    "campaign",
)
_list_attempts = _gauge(
    "prozvon_list_attempts_day",
    "Attempts of the last 24 hours on a list, by outcome",
    "list",
    "outcome",
)
_abandonment = _gauge(
    "prozvon_abandonment_ratio",
    "Abandoned of the people who answered, over the campaign's legal window",
    "campaign",
)
_abandonment_limit = _gauge(
    "prozvon_abandonment_limit_ratio", "The most that may be abandoned", "campaign"
)
_abandonment_left = _gauge(
    "prozvon_abandonment_budget_people",
    "People who may still be abandoned in the window; negative: too many were",
    "campaign",
)
_pacing_odd = _gauge(
    "prozvon_pacing_odd_events",
    "Events that pacing was told and that cannot be (time going backwards, endless durations)",
    "campaign",
)
_recordings = _gauge("prozvon_recordings", "Conversations recorded now, by state", "state")
_recordings_stopped = _counter(
    "prozvon_recordings_stopped_total", "Recordings cut short while they talked", "reason"
)
_recordings_finished = _counter("prozvon_recordings_finished_total", "Recordings finished")
_recorded = _counter("prozvon_recorded_seconds_total", "Seconds of finished recordings")
_recordings_deleted = _counter("prozvon_recordings_deleted_total", "Recordings deleted")
_recordings_stopped.labels("disk")
_lost_phones = _counter(
    "prozvon_lost_phones_total",
    "Operators' phones lost in a conversation, by what came of it",
    "came",
)
_supervisions = _counter(
    "prozvon_supervisions_total", "Times a supervisor began to listen, whisper or barge", "mode"
)
_supervisors = _gauge("prozvon_supervisors", "Supervisors on operators' lines now, by mode", "mode")

# What a series counts before Prometheus has seen it is in no rate(): these exist earlier.
FROM_SIGN_IN = (_operator_line, _operator_dials, _operator_dial_interval, _operator_conversations)
FROM_RUNNING = (_dials, _dial_interval, _campaign_conversations, _campaign_talk, _asked, _allowed)
# Gauges of running campaigns, in the order that `campaigns_now` sets them.
BY_CAMPAIGN = (_abandonment, _abandonment_limit, _abandonment_left, _pacing_odd)
_running: dict[tuple[str, str], list[Gauge]] = {}

_build.labels(version("prozvon"), platform.python_version()).set(1)
# Where an operator is named before the answer, no session is needed: there may be none for hours.
for _result in RESULTS:
    _agi_ended.labels("answered", _result)
_agi_seconds.labels("answered")
for _outcome in Outcome:
    _attempts.labels(_outcome.value)


def utc_day(at: float) -> str:
    """Folder of one day's recordings, such as 2026/03/09."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y/%m/%d")


def dial_started(
    campaign: str, operator: str | None, interval_s: float | None, operator_interval_s: float | None
) -> None:
    """A dial was committed; intervals in seconds, None for the first."""
    _of(_dials, _campaign(campaign)).inc()
    if interval_s is not None:
        _of(_dial_interval, _campaign(campaign)).observe(interval_s)
    if operator is not None:
        _of(_operator_dials, _operator(operator)).inc()
        if operator_interval_s is not None:
            _of(_operator_dial_interval, _operator(operator)).observe(operator_interval_s)


def conversation_began(campaign: str, operator: str, answer_to_operator_s: float) -> None:
    _conversations.inc()
    _of(_campaign_conversations, _campaign(campaign)).inc()
    _of(_operator_conversations, _operator(operator)).inc()
    _answer_to_operator.observe(answer_to_operator_s)


def operator_waited(seconds: float) -> None:
    """From ready to a conversation, whatever dials were in between."""
    _operator_wait.observe(max(0.0, seconds))


def attempt_ended(campaign: str, ended: Ended) -> None:
    """The one outcome of an attempt."""
    outcome = ended.outcome.value
    _of(_attempts, outcome).inc()
    _of(_campaign_attempts, _campaign(campaign), outcome).inc()
    _of(_trunk_attempts, _trunk(ended.trunk), outcome).inc()
    if ended.answered_at is not None:
        _answered.inc()
    if ended.ring_s is not None:
        _ring.observe(ended.ring_s)
    if ended.talk_s is not None:
        _talk.observe(ended.talk_s)
        _of(_campaign_talk, _campaign(campaign)).inc(max(0.0, ended.talk_s))


def trunk_line_time(trunk: str, seconds: float) -> None:
    _of(_trunk_line, _trunk(trunk)).inc(max(0.0, seconds))


def operator_time(login: str, state: OperatorState, seconds: float) -> None:
    """Time an operator spent in a state, counted as it passes."""
    seconds = max(0.0, seconds)
    _of(_operator_state, _operator(login), state.value).inc(seconds)
    if state in LINE_STATES:
        _of(_operator_line, _operator(login)).inc(seconds)


def operator_seated(login: str) -> None:
    """The operator's series exist from the sign-in on, at zero."""
    for metric in FROM_SIGN_IN:
        _of(metric, _operator(login))


def held() -> None:
    _holds.inc()


def parked() -> None:
    _parks.inc()


def transferred(kind: str, target: str) -> None:
    """`kind`: blind, warm, three_way; `target`: operator, group, number."""
    _transfers.labels(kind, target).inc()


def talk_refused(action: str, reason: str) -> None:
    """A request in a call that changed nothing; `reason` is the refusal's stable id."""
    _talk_refused.labels(action, reason).inc()


def code_refused(reason: str) -> None:
    _codes_refused.labels(reason).inc()


def wrap_up_ended(seconds: float) -> None:
    _wrap_up.observe(seconds)


def decided(campaign: str, limited_by: str, asked: int, allowed: int) -> None:
    """One decision: what limited it, the calls asked for and the calls placed."""
    _of(_decisions, _campaign(campaign), limited_by).inc()
    _of(_asked, _campaign(campaign)).inc(max(asked, allowed))
    _of(_allowed, _campaign(campaign)).inc(allowed)


def key_pressed() -> None:
    """An answer that a person gave in a broadcast."""
    _keys.inc()


def pacer_failed(campaign: str) -> None:
    """The engine of a campaign raised; it is paced one to one from now on."""
    _pacer_failures.labels(_campaign(campaign)).inc()


def loop_lag(seconds: float) -> None:
    _loop_lag.observe(seconds)


def floor_now(operators: dict[OperatorState, int], stages: dict[str, int]) -> None:
    """Gauges that are read when Prometheus asks."""
    for state, count in operators.items():
        _operators.labels(state.value).set(count)
    for stage, count in stages.items():
        _in_progress.labels(stage).set(count)


def passed_on(trunk: str) -> None:
    """A call that this trunk never took up goes to another trunk."""
    _passed_on.labels(trunk).inc()


def trunk_now(trunk: str, lines_used: int, lines: int, *, breaker_open: bool, up: bool) -> None:
    _trunk_up.labels(trunk).set(up)
    _trunk_lines.labels(trunk).set(lines_used)
    _trunk_limit.labels(trunk).set(lines)
    _trunk_open.labels(trunk).set(breaker_open)


def process_now(
    *, ami_up: bool, reconnects: int, agi_sessions: int, journal: int, pool_size: int, idle: int
) -> None:
    """`reconnects`: manager links made after the first since the process started."""
    _ami_up.set(ami_up)
    [counted] = _ami_reconnects.collect()  # not `value`: that looks through every series there is
    _ami_reconnects.inc(max(0.0, reconnects - counted.samples[0].value))
    _agi.set(agi_sessions)
    _journal.set(journal)
    _pool.labels("idle").set(idle)
    _pool.labels("busy").set(pool_size - idle)


def agi_ended(route: str, result: str, seconds: float) -> None:
    """A FastAGI session ended. `route`: "" without one; `result`: one of `agi.server.RESULTS`."""
    _agi_ended.labels(route or "none", result).inc()
    if route:
        _agi_seconds.labels(route).observe(seconds)


def manager_event() -> None:
    """One more event of the node."""
    _ami_events.inc()


def storage_now(
    *, database_up: bool, journal_oldest_s: float, disk_free: int | None, disk_needed: int
) -> None:
    """`disk_free` in bytes; None where it cannot be told."""
    _database_up.set(database_up)
    _journal_age.set(journal_oldest_s)
    _disk_needed.set(disk_needed)
    _disk_free.set(disk_free if disk_free is not None else 0)


@dataclass(frozen=True, slots=True)
class CampaignNow:
    """A running campaign and its ledger: people who answered within the legal window, those of
    them who were abandoned, and the share that may be; `odd`: events that cannot be."""

    name: str
    mode: str
    answered: int
    abandoned: int
    limit: float
    odd: int = 0


def campaigns_now(campaigns: Iterable[CampaignNow]) -> Iterator[None]:
    """The running campaigns, and no others; their counts exist from the first scrape on.

    In short steps. Series are kept from scrape to scrape: to look up those of 500 campaigns takes
    tens of milliseconds.
    """
    wanted = set()
    for number, now in enumerate(campaigns, 1):
        name, mode = _campaign(now.name), now.mode
        wanted.add((name, mode))
        share, limit, left, odd = _running.get((name, mode)) or _begins_to_run(name, mode)
        share.set(now.abandoned / now.answered if now.answered else 0.0)
        limit.set(now.limit)
        left.set(now.limit * now.answered - now.abandoned)
        odd.set(now.odd)
        if number % 100 == 0:
            yield
    gone = _running.keys() - wanted
    for name, mode in gone:
        del _running[name, mode]
        _campaign_running.remove(name, mode)
    for name in {name for name, _ in gone} - {name for name, _ in wanted}:
        for gauge in BY_CAMPAIGN:
            gauge.remove(name)


def _begins_to_run(name: str, mode: str) -> list[Gauge]:
    series = _running[name, mode] = [gauge.labels(name) for gauge in BY_CAMPAIGN]
    _campaign_running.labels(name, mode).set(1)
    for metric in FROM_RUNNING:
        _of(metric, name)
    return series


def work_now(campaigns: Iterable[tuple[str, int, float | None, float]]) -> None:
    """(campaign, leads left, seconds of dialing left or None, seconds of the last day in which it
    dialed) of the running campaigns."""
    for gauge in (_campaign_leads, _campaign_work, _campaign_day):
        gauge.clear()
    for name, leads, seconds, day_s in campaigns:
        _campaign_leads.labels(_campaign(name)).set(leads)
        _campaign_day.labels(_campaign(name)).set(day_s)
        if seconds is not None:
            _campaign_work.labels(_campaign(name)).set(seconds)


def lists_now(attempts: Iterable[tuple[str, str, int]]) -> None:
    """(list, outcome, attempts) of the last 24 hours."""
    _list_attempts.clear()
    for name, outcome, count in attempts:
        _list_attempts.labels(_list(name), outcome).inc(count)


def recordings_now(recording: int, paused: int) -> None:
    """Gauges that are read when Prometheus asks."""
    _recordings.labels("recording").set(recording)
    _recordings.labels("paused").set(paused)


def recording_stopped(reason: str) -> None:
    _recordings_stopped.labels(reason).inc()


def recording_finished(seconds: float) -> None:
    _recordings_finished.inc()
    _recorded.inc(seconds)


def recording_deleted() -> None:
    _recordings_deleted.inc()


def phone_lost(came: str) -> None:
    _lost_phones.labels(came).inc()


def supervision_began(mode: str) -> None:
    _supervisions.labels(mode).inc()


def supervisors_now(modes: dict[str, int]) -> None:
    """Gauges that are read when Prometheus asks."""
    for mode, count in modes.items():
        _supervisors.labels(mode).set(count)


def exposition() -> Iterator[bytes]:
    """What Prometheus reads, in its text format, in slices of a few milliseconds each."""
    return _exposition.slices()


def value(name: str, **labels: str) -> float:
    """The present value of one series, 0 where there is none. For small floors: it looks through
    every series there is."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
