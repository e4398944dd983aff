"""PURE. Who may open which report about whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from monitoring.reports.catalog import KINDS, ReportKind, Request
from monitoring.reports.errors import ReportError


@dataclass(frozen=True, slots=True)
class Viewer:
    """`role` is None for whoever is not on the floor's staff: they manage it."""

    name: str
    role: Literal["operator", "supervisor"] | None = None

    @property
    def sees_all(self) -> bool:
        """Operators see themselves; supervisors and those who manage see everybody."""
        return self.role != "operator"


def may_open(viewer: Viewer, kind: ReportKind) -> bool:
    return viewer.sees_all or kind.own


def narrowed(request: Request, viewer: Viewer) -> Request:
    """What the viewer may see of it. Raises ReportError `not_allowed` (403)."""
    if viewer.sees_all:
        return request
    if not KINDS[request.name].own:
        own = ", ".join(name for name, kind in KINDS.items() if kind.own)
        raise ReportError(
            "not_allowed",
            f"the report {request.name!r} is for supervisors; an operator may open: {own}",
            f"отчёт {request.name!r} для супервизоров; оператору доступны: {own}",
            status=403,
        )
    if set(request.filters.operators) - {viewer.name} or request.filters.teams:
        raise ReportError(
            "not_allowed",
            f"an operator's reports are about the operator alone: {viewer.name!r}",
            f"оператору доступны отчёты только о себе: {viewer.name!r}",
            status=403,
        )
    return replace(request, filters=replace(request.filters, operators=(viewer.name,)))
