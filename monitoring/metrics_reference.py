"""docs/reference/metrics.md, made from the metrics themselves.

python -m monitoring.metrics_reference > docs/reference/metrics.md
"""

from __future__ import annotations

import sys

from agi.server import RESULTS
from campaigns.pacing.words import LIMITED_BY
from dialer.board import STAGES
from dialer.operators import OperatorState
from dialer.outcomes import Outcome
from monitoring.families import FAMILIES, Family
from monitoring.supervision.model import Mode

INTRO = """\
# Metrics

What `/metrics` gives to Prometheus (text format 0.0.4, no token). Counters count since the process
started; the database has the whole history. Times are seconds. Nothing personal goes in: operators
are labelled by login, never by name or phone.

This page is made by `python -m monitoring.metrics_reference > docs/reference/metrics.md`.
"""

BOUNDS = """\
## Bounds of histograms

They hold the legal thresholds: 2 s to an operator, 15 s and 20 s of ringing.
"""


def _values(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names)


LABELS = {
    "action": "What an operator asked for in a call: hold, transfer, toggle and so on",
    "kind": "How a call was handed over: `blind`, `warm`, or `three_way`",
    "target": "Whom a call went to: `operator`, `group` or `number`",
    "campaign": "name of the campaign: one series for each that ran since the process started, at "
    "most 500, then `other`",
    "came": "`waiting`: the person waits; then `back` or `gone`",
    "list": "name of the list; at most 200, then `other`",
    "mode": "mode of the campaign; what a supervisor does: " + _values(*Mode),
    "limited_by": "what kept pacing from more calls: " + _values(*LIMITED_BY),
    "operator": "login of the operator; at most 1000, then `other`",
    "outcome": _values(*Outcome),
    "python": "version of Python",
    "reason": "why a recording was cut short: `disk`; of a refusal: its stable id",
    "result": "how a FastAGI session ended: " + _values(*RESULTS),
    "route": "what the dialplan asked for by FastAGI, such as `answered`; `none`: it came to none",
    "stage": _values(*dict.fromkeys(STAGES.values())),
    "state": f"of an operator: {_values(*OperatorState)}; of a connection: `idle`, `busy`; "
    "of a recording: `recording`, `paused`",
    "trunk": "name of the trunk; at most 50, then `other`",
    "version": "version of Prozvon",
}

QUESTIONS = {
    "Line time of an operator, share of the last hour": (
        "rate(prozvon_operator_line_seconds_total[1h])"
    ),
    "Calls on a trunk, mean of five minutes": "rate(prozvon_trunk_line_seconds_total[5m])",
    "Interval between an operator's dials, median": (
        "histogram_quantile(0.5, sum by (operator, le) "
        "(rate(prozvon_operator_dial_interval_seconds_bucket[15m])))"
    ),
    "Share of conversations that began within 2 s of the answer": (
        'sum(rate(prozvon_answer_to_operator_seconds_bucket{le="2.0"}[1d])) '
        "/ sum(rate(prozvon_answer_to_operator_seconds_count[1d]))"
    ),
}


def reference() -> str:
    """The page, in Markdown."""
    rows = [_row(family) for family in FAMILIES]
    labels = [f"| `{name}` | {text} |" for name, text in LABELS.items()]
    bounds = [f"| `{f.name}` | {_bounds(f)} |" for f in FAMILIES if f.bounds]
    questions = [f"| {text} | `{query}` |" for text, query in QUESTIONS.items()]
    parts = (
        INTRO,
        _table("metric | type | labels | what it counts", rows),
        "## Labels\n",
        _table("label | values", labels),
        BOUNDS,
        _table("histogram | upper bounds, s", bounds),
        "## Questions\n",
        _table("question | PromQL", questions),
    )
    return "\n".join(parts)


def _row(family: Family) -> str:
    labels = _values(*family.labels) or "-"
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


def _bounds(family: Family) -> str:
    return ", ".join(f"{bound:g}" for bound in family.bounds)


def _table(columns: str, rows: list[str]) -> str:
    ruler = "|".join(" --- " for _ in columns.split("|"))
    return "\n".join((f"| {columns} |", f"|{ruler}|", *rows, ""))


if __name__ == "__main__":
    sys.stdout.write(reference())
