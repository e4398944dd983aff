"""Logs: structured, to stderr, without personal data.

Fields named `pii_*` are masked in every format and at every level; who may see the data looks it
up by the attempt or lead in the same line. Other libraries' logs go the same way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

MASK = "***"
PREFIX = "pii_"

Event = MutableMapping[str, Any]


def mask(logger: object, method: str, event: Event) -> Event:
    """A structlog processor: the values of `pii_*` fields are gone, also inside other fields."""
    for key, value in event.items():
        event[key] = _masked(key, value)
    return event


def _masked(key: object, value: Any) -> Any:
    if isinstance(key, str) and key.startswith(PREFIX):
        return MASK if value else value
    if isinstance(value, dict):
        return {inner: _masked(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(None, item) for item in value]
    return value


def set_up(level: str = "info", format: Literal["console", "json"] = "console") -> None:
    """Sends all logs at `level` and above to stderr. May be called again to change both."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        mask,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(format, shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It tells of every slow callback and of its own selector; ours are the metrics.
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, root.level))


def _formatter(format: str, shared: list[Any]) -> logging.Formatter:
    render: list[Any]
    if format == "json":
        render = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        # The default shows the local variables of every frame: secrets, phones and names.
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        render = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )
