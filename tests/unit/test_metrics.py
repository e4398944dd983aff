"""What decisions leave in the metrics, under labels that stay few."""

from __future__ import annotations

import re

from monitoring import metrics
from monitoring.families import FAMILIES


def test_a_decision_is_counted_with_what_limited_it_and_what_was_asked() -> None:
    """Given a decision that trunks cut from five calls to two, then all three counters say so."""
    name = "a campaign of decisions"

    def series() -> tuple[float, float, float]:
        return (
            metrics.value("prozvon_pacing_decisions_total", campaign=name, limited_by="lines"),
            metrics.value("prozvon_pacing_calls_asked_total", campaign=name),
            metrics.value("prozvon_pacing_calls_allowed_total", campaign=name),
        )

    before = series()
    metrics.decided(name, "lines", 5, 2)
    metrics.decided(name, "lines", 0, 1)  # placed for a callback: more than pacing asked for
    assert [new - old for new, old in zip(series(), before, strict=True)] == [2, 6, 3]


def test_every_family_is_named_once_and_labels_nobody_s_phone() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    for family in FAMILIES:
        assert family.name.startswith("prozvon_")
        assert not {"phone", "number", "contact", "lead", "attempt"} & set(family.labels)


def test_counts_of_a_campaign_and_of_an_operator_exist_before_they_count() -> None:
    """Given a scrape before the first dial, then rate() counts all dials: the series are there."""
    name, login = "a campaign not dialed yet", "nobody called yet"

    def series() -> set[str]:
        lines = b"".join(metrics.exposition()).decode().splitlines()
        ours = [line for line in lines if f'"{name}"' in line or f'"{login}"' in line]
        return {line.partition("{")[0] for line in ours if line.endswith(" 0.0")}

    assert not series()
    list(metrics.campaigns_now([metrics.CampaignNow(name, "predictive", 0, 0, 0.03)]))
    metrics.operator_seated(login)
    try:
        assert series() >= {
            "prozvon_dials_total",
            "prozvon_dial_interval_seconds_bucket",
            "prozvon_operator_dials_total",
            "prozvon_operator_dial_interval_seconds_bucket",
            "prozvon_operator_conversations_total",
        }
    finally:
        list(metrics.campaigns_now([]))


def test_a_campaign_that_changes_its_mode_or_stops_leaves_no_series() -> None:
    def running(**modes: str) -> set[tuple[str, str]]:
        now = (metrics.CampaignNow(name, mode, 100, 2, 0.03) for name, mode in modes.items())
        list(metrics.campaigns_now(now))
        text = b"".join(metrics.exposition()).decode()
        shares = set(
            re.findall(r'^prozvon_abandonment_ratio\{campaign="(\w+)"\} 0.02$', text, re.M)
        )
        found = set(
            re.findall(r'^prozvon_campaign_running\{campaign="(\w+)",mode="(\w+)"\} 1', text, re.M)
        )
        assert shares == {name for name, _ in found}
        return found

    try:
        assert running(a="predictive", b="preview") == {("a", "predictive"), ("b", "preview")}
        assert running(a="progressive", b="preview") == {("a", "progressive"), ("b", "preview")}
        assert running(b="preview", c="preview") == {("b", "preview"), ("c", "preview")}
    finally:
        assert running() == set()
