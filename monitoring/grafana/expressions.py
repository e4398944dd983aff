"""PURE. Pieces of PromQL that the dashboards share."""

from __future__ import annotations

from monitoring.grafana.model import Text

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
