"""What the process counts for Prometheus. Call sites know no labels; no personal data goes in.

Counters count since the process started; the database has the whole history. The metrics themselves
are in `monitoring.families`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from prometheus_client import Gauge

from dialer.calls import Ended
from dialer.operators import LINE_STATES, OperatorState
from monitoring import families
from monitoring.families import M


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


class Replaced:
    """A gauge whose series are given all together: those that are left out go. A series that stays
    is kept, as to look up a thousand takes tens of milliseconds."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._series: dict[tuple[str, ...], Gauge] = {}

    def set(self, values: Mapping[tuple[str, ...], float]) -> None:
        """`values` by labels."""
        for gone in self._series.keys() - values.keys():
            del self._series[gone]
            self._gauge.remove(*gone)
        for labels, value in values.items():
            series = self._series.get(labels)
            if series is None:
                series = self._series[labels] = self._gauge.labels(*labels)
            series.set(value)


_leads_left = Replaced(families.campaign_leads)
_work_left = Replaced(families.campaign_work)
_day = Replaced(families.campaign_day)
_by_list = Replaced(families.list_attempts)
_running: dict[tuple[str, str], list[Gauge]] = {}


def utc_day(at: float) -> str:
    """Folder of one day's recordings, such as 2026/03/09."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y/%m/%d")


def dial_started(
    campaign: str, operator: str | None, interval_s: float | None, operator_interval_s: float | None
) -> None:
    """A dial was committed; intervals in seconds, None for the first."""
    _of(families.dials, _campaign(campaign)).inc()
    if interval_s is not None:
        _of(families.dial_interval, _campaign(campaign)).observe(interval_s)
    if operator is not None:
        _of(families.operator_dials, _operator(operator)).inc()
        if operator_interval_s is not None:
            _of(families.operator_dial_interval, _operator(operator)).observe(operator_interval_s)


def conversation_began(campaign: str, operator: str, answer_to_operator_s: float) -> None:
    families.conversations.inc()
    _of(families.campaign_conversations, _campaign(campaign)).inc()
    _of(families.operator_conversations, _operator(operator)).inc()
    families.answer_to_operator.observe(answer_to_operator_s)


def operator_waited(seconds: float) -> None:
    """From ready to a conversation, whatever dials were in between."""
    families.operator_wait.observe(max(0.0, seconds))


def attempt_ended(campaign: str, ended: Ended) -> None:
    """The one outcome of an attempt."""
    outcome = ended.outcome.value
    _of(families.attempts, outcome).inc()
    _of(families.campaign_attempts, _campaign(campaign), outcome).inc()
    _of(families.trunk_attempts, _trunk(ended.trunk), outcome).inc()
    if ended.answered_at is not None:
        families.answered.inc()
    if ended.ring_s is not None:
        families.ring.observe(ended.ring_s)
    if ended.talk_s is not None:
        families.talk.observe(ended.talk_s)
        _of(families.campaign_talk, _campaign(campaign)).inc(max(0.0, ended.talk_s))


def trunk_line_time(trunk: str, seconds: float) -> None:
    _of(families.trunk_line, _trunk(trunk)).inc(max(0.0, seconds))


def operator_time(login: str, state: OperatorState, seconds: float) -> None:
    """Time an operator spent in a state, counted as it passes."""
    seconds = max(0.0, seconds)
    _of(families.operator_state, _operator(login), state.value).inc(seconds)
    if state in LINE_STATES:
        _of(families.operator_line, _operator(login)).inc(seconds)


def operator_seated(login: str) -> None:
    """The operator's series exist from the sign-in on, at zero."""
    for metric in families.FROM_SIGN_IN:
        _of(metric, _operator(login))


def held() -> None:
    families.holds.inc()


def parked() -> None:
    families.parks.inc()


def transferred(kind: str, target: str) -> None:
    """`kind`: blind, warm, three_way; `target`: operator, group, number."""
    families.transfers.labels(kind, target).inc()


def talk_refused(action: str, reason: str) -> None:
    """A request in a call that changed nothing; `reason` is the refusal's stable id."""
    families.talk_refused.labels(action, reason).inc()


def code_refused(reason: str) -> None:
    families.codes_refused.labels(reason).inc()


def wrap_up_ended(seconds: float) -> None:
    families.wrap_up.observe(seconds)


def decided(campaign: str, limited_by: str, asked: int, allowed: int) -> None:
    """One decision: what limited it, the calls asked for and the calls placed."""
    _of(families.decisions, _campaign(campaign), limited_by).inc()
    _of(families.asked, _campaign(campaign)).inc(max(asked, allowed))
    _of(families.allowed, _campaign(campaign)).inc(allowed)


def key_pressed() -> None:
    """An answer that a person gave in a broadcast."""
    families.keys.inc()


def pacer_failed(campaign: str) -> None:
    """The engine of a campaign raised; it is paced one to one from now on."""
    families.pacer_failures.labels(_campaign(campaign)).inc()


def loop_lag(seconds: float) -> None:
    families.loop_lag.observe(seconds)


def floor_now(operators: dict[OperatorState, int], stages: dict[str, int]) -> None:
    """Gauges that are read when Prometheus asks."""
    for state, count in operators.items():
        families.operators.labels(state.value).set(count)
    for stage, count in stages.items():
        families.in_progress.labels(stage).set(count)


def passed_on(trunk: str) -> None:
    """A call that this trunk never took up goes to another trunk."""
    families.passed_on.labels(trunk).inc()


def trunk_now(trunk: str, lines_used: int, lines: int, *, breaker_open: bool, up: bool) -> None:
    families.trunk_up.labels(trunk).set(up)
    families.trunk_lines.labels(trunk).set(lines_used)
    families.trunk_limit.labels(trunk).set(lines)
    families.trunk_open.labels(trunk).set(breaker_open)


def process_now(
    *, ami_up: bool, reconnects: int, agi_sessions: int, journal: int, pool_size: int, idle: int
) -> None:
    """`reconnects`: manager links made after the first since the process started."""
    families.ami_up.set(ami_up)
    [counted] = (
        families.ami_reconnects.collect()
    )  # not `value`: that looks through every series there is
    families.ami_reconnects.inc(max(0.0, reconnects - counted.samples[0].value))
    families.agi.set(agi_sessions)
    families.journal.set(journal)
    families.pool.labels("idle").set(idle)
    families.pool.labels("busy").set(pool_size - idle)


def agi_ended(route: str, result: str, seconds: float) -> None:
    """A FastAGI session ended. `route`: "" without one; `result`: one of `agi.server.RESULTS`."""
    families.agi_ended.labels(route or "none", result).inc()
    if route:
        families.agi_seconds.labels(route).observe(seconds)


def manager_event() -> None:
    """One more event of the node."""
    families.ami_events.inc()


def storage_now(
    *, database_up: bool, journal_oldest_s: float, disk_free: int | None, disk_needed: int
) -> None:
    """`disk_free` in bytes; None where it cannot be told."""
    families.database_up.set(database_up)
    families.journal_age.set(journal_oldest_s)
    families.disk_needed.set(disk_needed)
    families.disk_free.set(disk_free if disk_free is not None else 0)


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
        families.campaign_running.remove(name, mode)
    for name in {name for name, _ in gone} - {name for name, _ in wanted}:
        for gauge in families.BY_CAMPAIGN:
            gauge.remove(name)


def _begins_to_run(name: str, mode: str) -> list[Gauge]:
    series = _running[name, mode] = [gauge.labels(name) for gauge in families.BY_CAMPAIGN]
    families.campaign_running.labels(name, mode).set(1)
    for metric in families.FROM_RUNNING:
        _of(metric, name)
    return series


def work_now(campaigns: Iterable[tuple[str, int, float | None, float]]) -> None:
    """(campaign, leads left, seconds of dialing left or None, seconds of the last day in which it
    dialed) of the running campaigns."""
    rows = [((_campaign(name),), leads, left, day) for name, leads, left, day in campaigns]
    _leads_left.set({labels: leads for labels, leads, _, _ in rows})
    _work_left.set({labels: left for labels, _, left, _ in rows if left is not None})
    _day.set({labels: day for labels, _, _, day in rows})


def lists_now(attempts: Iterable[tuple[str, str, int]]) -> None:
    """(list, outcome, attempts) of the last 24 hours."""
    counted: Counter[tuple[str, ...]] = Counter()
    for name, outcome, count in attempts:
        counted[_list(name), outcome] += count
    _by_list.set(counted)


def recordings_now(recording: int, paused: int) -> None:
    """Gauges that are read when Prometheus asks."""
    families.recordings.labels("recording").set(recording)
    families.recordings.labels("paused").set(paused)


def recording_stopped(reason: str) -> None:
    families.recordings_stopped.labels(reason).inc()


def recording_finished(seconds: float) -> None:
    families.recordings_finished.inc()
    families.recorded.inc(seconds)


def recording_deleted() -> None:
    families.recordings_deleted.inc()


def phone_lost(came: str) -> None:
    families.lost_phones.labels(came).inc()


def supervision_began(mode: str) -> None:
    families.supervisions.labels(mode).inc()


def supervisors_now(modes: dict[str, int]) -> None:
    """Gauges that are read when Prometheus asks."""
    for mode, count in modes.items():
        families.supervisors.labels(mode).set(count)


def exposition() -> Iterator[bytes]:
    """What Prometheus reads, in its text format, in slices of a few milliseconds each."""
    return families.EXPOSITION.slices()


def value(name: str, **labels: str) -> float:
    """The present value of one series, 0 where there is none. For small floors: it looks through
    every series there is."""
    return families.REGISTRY.get_sample_value(name, labels) or 0.0
