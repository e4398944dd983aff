"""Asks a Prometheus for what every panel and every variable of the dashboards shows."""

from __future__ import annotations

import math
import re
import time
from typing import Any

from monitoring.grafana.boards import BOARDS, VARIABLES
from tests.fixtures_prometheus import Prometheus

LABEL_VALUES = re.compile(r"label_values\((?P<series>.*), (?P<label>\w+)\)")


async def every_panel_has_data(prometheus: Prometheus, last_s: float = 60) -> None:
    """Each query gave a number within the last `last_s` seconds; each variable has values."""
    end = time.time()
    times = {"start": str(end - last_s), "end": str(end), "step": "1"}
    for board in BOARDS:
        for _, panels in board.rows:
            for panel in panels:
                for query in panel.queries:
                    text = _chosen(query.expr)
                    data = await prometheus.get("query_range", query=text, **times)
                    assert _numbers(data["result"]), f"{board.uid}, {panel.title.en}: {text}"
    for name, (_, asked) in VARIABLES.items():
        await _variable_has_values(prometheus, name, _chosen(asked))


async def _variable_has_values(prometheus: Prometheus, name: str, query: str) -> None:
    parts = LABEL_VALUES.fullmatch(query)
    assert parts is not None, query
    path = f"label/{parts['label']}/values"
    values = await prometheus.get(path, **{"match[]": parts["series"]})
    assert values, f"${name}: {query}"


def _chosen(text: str) -> str:
    """As with `All` chosen for every variable."""
    for name in VARIABLES:
        text = text.replace(f'"${name}"', '".*"')
    assert "$" not in text, text
    return text


def _numbers(result: list[dict[str, Any]]) -> list[float]:
    values = [float(value) for series in result for _, value in series["values"]]
    return [value for value in values if not math.isnan(value)]
