"""`/metrics` in slices, so that a large floor's scrape never holds the event loop.

prometheus_client 0.26's `generate_latest` builds a `Sample` and a dict for every line: half a
second for 1,000 operators, in one go. Here the text of every series is made once and kept with it,
with a place for each value; a scrape only reads values. A test compares every line with
`generate_latest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import Any

from prometheus_client import Histogram
from prometheus_client.utils import floatToGoString

SLICE_LINES = 500
"""About a millisecond of work."""
_KEPT = "_exposition"
"""A series' attribute that holds its text. It goes when the series does."""
_value_of = attrgetter("_value")  # `get()` takes a lock, and one float is read whole anyway


@dataclass(slots=True)
class Exposition:
    """The text format 0.0.4 of `metrics` (name, kind, help, metric), in their order."""

    metrics: list[tuple[str, str, str, Any]]

    def slices(self) -> Iterator[bytes]:
        """Pieces of about SLICE_LINES lines; between them other work may be done."""
        texts: list[str] = []
        lines = 0
        for name, kind, help, metric in self.metrics:
            texts.append(f"# HELP {name} {help}\n# TYPE {name} {kind}\n")
            histogram = isinstance(metric, Histogram)
            each = len(metric._upper_bounds) + 2 if histogram else 1
            for series in _series_of(metric):
                text = series.__dict__.get(_KEPT) or _keep(name, metric, series)
                values = _totals(series) if histogram else _number(series._value._value)
                texts.append(text % values)
                lines += each
                if lines >= SLICE_LINES:
                    yield "".join(texts).encode()
                    texts.clear()
                    lines = 0
        yield "".join(texts).encode()


def _series_of(metric: Any) -> Sequence[Any]:
    """A metric without labels is its own series."""
    if not metric._labelnames:
        return (metric,)
    with metric._lock:
        return list(metric._metrics.values())


def _keep(name: str, metric: Any, series: Any) -> str:
    """Makes the text of a series, with a place for each of its values."""
    labels = dict(zip(metric._labelnames, series._labelvalues, strict=True))
    if isinstance(metric, Histogram):
        bounds = [floatToGoString(bound) for bound in metric._upper_bounds]  # type: ignore[no-untyped-call]
        names = [_named(f"{name}_bucket", {**labels, "le": bound}) for bound in bounds]
        names += [_named(f"{name}_count", labels), _named(f"{name}_sum", labels)]
    else:
        names = [_named(name, labels)]
    text = "".join(name.replace("%", "%%") + " %s\n" for name in names)
    setattr(series, _KEPT, text)
    return text


def _named(name: str, labels: dict[str, str]) -> str:
    text = ",".join(f'{k}="{_escaped(v)}"' for k, v in sorted(labels.items()))
    return f"{name}{{{text}}}" if text else name


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _totals(histogram: Any) -> tuple[float | str, ...]:
    """Of each bucket with those before it, of all, and the sum of what was observed."""
    totals = tuple(accumulate(map(_value_of, histogram._buckets)))
    values = (*totals, totals[-1], histogram._sum._value)
    if totals[-1] < 1e6 and 0.0 <= values[-1] < 1e6:
        return values
    return tuple(map(_number, values))


def _number(value: float) -> float | str:
    """Python and Go write numbers below a million alike."""
    if 0.0 <= value < 1e6:
        return value
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]
