"""All metrics of the process: names, help, labels, bounds; `monitoring.metrics` counts.

Operators are labelled by login (a staff code), never by name or phone. docs/reference/metrics.md is
made from here.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
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
EXPOSITION = Exposition([])
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
    EXPOSITION.metrics.append((family.name, family.kind, family.help, metric))
    return metric


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

build = _gauge("prozvon_build_info", "Version of Prozvon", "version", "python")
attempts = _counter("prozvon_attempts_total", "Attempts ended, by outcome", "outcome")
campaign_attempts = _counter(
    "prozvon_campaign_attempts_total",
    "Attempts ended, by campaign and outcome",
    "campaign",
    "outcome",
)
trunk_attempts = _counter(
    "prozvon_trunk_attempts_total", "Attempts ended, by trunk and outcome", "trunk", "outcome"
)
dials = _counter("prozvon_dials_total", "Dials started", "campaign")
operator_dials = _counter(
    "prozvon_operator_dials_total", "Dials started for an operator", "operator"
)
operator_conversations = _counter(
    "prozvon_operator_conversations_total", "Conversations begun by an operator", "operator"
)
answered = _counter("prozvon_answered_total", "Attempts answered")
conversations = _counter("prozvon_conversations_total", "Conversations begun")
campaign_conversations = _counter(
    "prozvon_campaign_conversations_total", "Conversations begun, by campaign", "campaign"
)
campaign_talk = _counter(
    "prozvon_campaign_talk_seconds_total", "Time in conversations, by campaign", "campaign"
)
operator_wait = _histogram(
    "prozvon_operator_wait_seconds", "Ready to the next conversation", WAIT_BOUNDS
)
in_progress = _gauge("prozvon_calls_in_progress", "Attempts in progress, by stage", "stage")
operators = _gauge("prozvon_operators", "Operators by state", "state")
operator_line = _counter(
    "prozvon_operator_line_seconds_total",
    "Operator's line time: dialing, talking, hold, consult",
    "operator",
)
operator_state = _counter(
    "prozvon_operator_state_seconds_total", "Operators' time in each state", "operator", "state"
)
trunk_line = _counter(
    "prozvon_trunk_line_seconds_total",
    "Trunk's line time: from placing to hang-up of each call",
    "trunk",
)
dial_interval = _histogram(
    "prozvon_dial_interval_seconds",
    "Start to start of a campaign's dials",
    DIAL_INTERVAL_BOUNDS,
    "campaign",
)
operator_dial_interval = _histogram(
    "prozvon_operator_dial_interval_seconds",
    "Start to start of an operator's dials, pauses excluded",
    DIAL_INTERVAL_BOUNDS,
    "operator",
)
ring = _histogram("prozvon_ring_seconds", "First ringing to answer or end", RING_BOUNDS)
talk = _histogram("prozvon_talk_seconds", "Length of conversations", TALK_BOUNDS)
wrap_up = _histogram("prozvon_wrap_up_seconds", "Length of wrap-ups", WRAP_UP_BOUNDS)
answer_to_operator = _histogram(
    "prozvon_answer_to_operator_seconds",
    "Answer to the bridge with an operator",
    ANSWER_TO_OPERATOR_BOUNDS,
)
decisions = _counter(
    "prozvon_pacing_decisions_total",
    "Pacing decisions by what limited them",
    "campaign",
    "limited_by",
)
asked = _counter(
    "prozvon_pacing_calls_asked_total",
    "Calls that pacing would have placed, decision by decision, without lines, leads and caps",
    "campaign",
)
allowed = _counter("prozvon_pacing_calls_allowed_total", "Calls that decisions placed", "campaign")
keys = _counter("prozvon_broadcast_keys_total", "Answers by keys in broadcasts")
pacer_failures = _counter(
    "prozvon_pacer_failures_total",
    "Pacing engines that raised and were replaced by progressive pacing",
    "campaign",
)
holds = _counter("prozvon_holds_total", "Persons put on hold by their operator")
parks = _counter("prozvon_parks_total", "Persons parked for another operator")
transfers = _counter(
    "prozvon_transfers_total",
    "Calls handed over (blind, warm) or widened (three_way), by whom they went to",
    "kind",
    "target",
)
talk_refused = _counter(
    "prozvon_call_actions_refused_total",
    "Requests in a call that were refused, by request and reason",
    "action",
    "reason",
)
codes_refused = _counter(
    "prozvon_codes_refused_total", "`*` codes of phones that were refused, by reason", "reason"
)
ami_up = _gauge("prozvon_ami_up", "1 while the manager link is ready")
ami_reconnects = _counter("prozvon_ami_reconnects_total", "Manager links made after the first")
loop_lag = _histogram(
    "prozvon_event_loop_lag_seconds", "How late the event loop runs", LOOP_LAG_BOUNDS
)
pool = _gauge("prozvon_database_connections", "Database connections by state", "state")
journal = _gauge("prozvon_journal_entries", "Writes that wait for the database")
trunk_open = _gauge(
    "prozvon_trunk_breaker_open", "1 while a trunk that does not ring is left alone", "trunk"
)
trunk_up = _gauge(
    "prozvon_trunk_up",
    "1 while a trunk answers OPTIONS and is registered, as far as asked",
    "trunk",
)
passed_on = _counter(
    "prozvon_trunk_passed_on_total",
    "Attempts that a trunk never took up and that went to another one at once",
    "trunk",
)
trunk_lines = _gauge("prozvon_trunk_lines_used", "Lines of a trunk in use", "trunk")
trunk_limit = _gauge("prozvon_trunk_lines", "Lines that a trunk has", "trunk")
agi = _gauge("prozvon_agi_sessions", "FastAGI sessions open")
agi_ended = _counter(
    "prozvon_agi_sessions_ended_total",
    "FastAGI sessions by route (none: it never came to one) and by how they ended",
    "route",
    "result",
)
agi_seconds = _histogram(
    "prozvon_agi_session_seconds",
    "How long a FastAGI session took, from the connection to its route's end",
    AGI_BOUNDS,
    "route",
)
ami_events = _counter("prozvon_ami_events_total", "Events read from the manager link")
database_up = _gauge("prozvon_database_up", "1 while the database answers")
journal_age = _gauge(
    "prozvon_journal_oldest_seconds", "How long the oldest waiting write has been waiting"
)
disk_free = _gauge("prozvon_recordings_free_bytes", "Free space where recordings are kept")
disk_needed = _gauge(
    "prozvon_recordings_needed_bytes", "Free space without which recording campaigns stop"
)
campaign_running = _gauge(
    "prozvon_campaign_running", "1 while a campaign may dial", "campaign", "mode"
)
campaign_leads = _gauge(
    "prozvon_campaign_leads_left",
    "Leads of a running campaign that can still be dialed",
    "campaign",
)
campaign_work = _gauge(
    "prozvon_campaign_work_left_seconds",
    "Time of dialing until the leads end, at the pace of yesterday and today",
    "campaign",
)
campaign_day = _gauge(
    "prozvon_campaign_dialed_day_seconds",
    "Hours of the last day in which a running campaign dialed: its day's length",
    "campaign",
)
list_attempts = _gauge(
    "prozvon_list_attempts_day",
    "Attempts of the last 24 hours on a list, by outcome",
    "list",
    "outcome",
)
abandonment = _gauge(
    "prozvon_abandonment_ratio",
    "Abandoned of the people who answered, over the campaign's legal window",
    "campaign",
)
abandonment_limit = _gauge(
    "prozvon_abandonment_limit_ratio", "The most that may be abandoned", "campaign"
)
abandonment_left = _gauge(
    "prozvon_abandonment_budget_people",
    "People who may still be abandoned in the window; negative: too many were",
    "campaign",
)
pacing_odd = _gauge(
    "prozvon_pacing_odd_events",
    "Events that pacing was told and that cannot be (time going backwards, endless durations)",
    "campaign",
)
recordings = _gauge("prozvon_recordings", "Conversations recorded now, by state", "state")
recordings_stopped = _counter(
    "prozvon_recordings_stopped_total", "Recordings cut short while they talked", "reason"
)
recordings_finished = _counter("prozvon_recordings_finished_total", "Recordings finished")
recorded = _counter("prozvon_recorded_seconds_total", "Seconds of finished recordings")
recordings_deleted = _counter("prozvon_recordings_deleted_total", "Recordings deleted")
recordings_stopped.labels("disk")
lost_phones = _counter(
    "prozvon_lost_phones_total",
    "Operators' phones lost in a conversation, by what came of it",
    "came",
)
supervisions = _counter(
    "prozvon_supervisions_total", "Times a supervisor began to listen, whisper or barge", "mode"
)
supervisors = _gauge("prozvon_supervisors", "Supervisors on operators' lines now, by mode", "mode")

# What a series counts before Prometheus has seen it is in no rate(): these exist earlier.
FROM_SIGN_IN = (operator_line, operator_dials, operator_dial_interval, operator_conversations)
FROM_RUNNING = (dials, dial_interval, campaign_conversations, campaign_talk, asked, allowed)
# Gauges of running campaigns, in the order that `campaigns_now` sets them.
BY_CAMPAIGN = (abandonment, abandonment_limit, abandonment_left, pacing_odd)
build.labels(version("prozvon"), platform.python_version()).set(1)
# Where an operator is named before the answer, no session is needed: there may be none for hours.
for _result in RESULTS:
    agi_ended.labels("answered", _result)
agi_seconds.labels("answered")
for _outcome in Outcome:
    attempts.labels(_outcome.value)
