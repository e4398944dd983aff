"""`/metrics` in slices, so that a large floor's scrape never holds the event loop.

prometheus_client 0.26's `generate_latest` builds a `Sample` and a dict for every line: half a
second for 1,000 operators, in one go. Here the label text of every series is made once and kept; a
scrape only reads values. A test compares every line with `generate_latest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Histogram
from prometheus_client.utils import floatToGoString

SLICE_LINES = 500
"""One to two milliseconds of work."""


@dataclass(frozen=True, slots=True)
class _Series:
    """The lines of one child: names with labels, and what gives their values."""

    names: tuple[str, ...]
    child: Any


@dataclass(slots=True)
class Exposition:
    """The text format 0.0.4 of `metrics` (name, kind, help, metric), in their order."""

    metrics: list[tuple[str, str, str, Any]]
    _known: dict[int, dict[tuple[str, ...], _Series]] = field(default_factory=dict)

    def slices(self) -> Iterator[bytes]:
        """Pieces of about SLICE_LINES lines; between them other work may be done."""
        lines: list[str] = []
        for name, kind, help, metric in self.metrics:
            lines.append(f"# HELP {name} {help}\n# TYPE {name} {kind}\n")
            known = self._known.setdefault(id(metric), {})
            add = _add_histogram if isinstance(metric, Histogram) else _add_value
            for labels, child in _children(metric):
                series = known.get(labels)
                if series is None or series.child is not child:
                    series = known[labels] = _series(name, metric, labels, child)
                add(lines, series)
                if len(lines) >= SLICE_LINES:
                    yield "".join(lines).encode()
                    lines.clear()
        yield "".join(lines).encode()


def _children(metric: Any) -> Iterable[tuple[tuple[str, ...], Any]]:
    """Label values and child; a metric without labels is its own child."""
    if not metric._labelnames:
        return (((), metric),)
    with metric._lock:
        return list(metric._metrics.items())


def _series(name: str, metric: Any, values: tuple[str, ...], child: Any) -> _Series:
    labels = dict(zip(metric._labelnames, values, strict=True))
    if not isinstance(metric, Histogram):
        return _Series((_named(name, labels),), child)
    bounds = [_number(bound) for bound in child._upper_bounds]
    buckets = [_named(f"{name}_bucket", {**labels, "le": bound}) for bound in bounds]
    ends = (_named(f"{name}_count", labels), _named(f"{name}_sum", labels))
    return _Series((*buckets, *ends), child)


def _named(name: str, labels: dict[str, str]) -> str:
    text = ",".join(f'{k}="{_escaped(v)}"' for k, v in sorted(labels.items()))
    return f"{name}{{{text}}}" if text else name


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _add_value(lines: list[str], series: _Series) -> None:
    lines.append(f"{series.names[0]} {_number(series.child._value.get())}\n")


def _add_histogram(lines: list[str], series: _Series) -> None:
    child, names = series.child, series.names
    total = 0.0
    for name, bucket in zip(names, child._buckets, strict=False):
        total += bucket.get()
        lines.append(f"{name} {_number(total)}\n")
    lines.append(f"{names[-2]} {_number(total)}\n{names[-1]} {_number(child._sum.get())}\n")


def _number(value: float) -> str:
    """Python and Go write numbers below a million alike."""
    if 0.0 <= value < 1e6:
        return repr(value)
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]
