"""PURE. What a dashboard is made of, before Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "ru")


@dataclass(frozen=True, slots=True)
class Text:
    """The same in both languages."""

    en: str
    ru: str

    def __getitem__(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and the name of its lines (`{{label}}` where there are several)."""

    expr: str
    legend: Text | str = ""

    def name(self, language: str) -> str:
        return self.legend if isinstance(self.legend, str) else self.legend[language]


@dataclass(frozen=True, slots=True)
class Panel:
    """`kind`: lines, areas (stacked), number, bars. `unit` is Grafana's. `steps`: from which value
    on the colour is yellow and red (red below them where `falling`). `width` of 24."""

    title: Text
    queries: tuple[Query, ...]
    kind: str = "lines"
    unit: str = "short"
    width: int = 8
    help: Text | None = None
    steps: tuple[float, float] | None = None
    falling: bool = False
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `rows` are (title, panels). `variables` beside the floor."""

    uid: str
    title: Text
    rows: tuple[tuple[Text, tuple[Panel, ...]], ...]
    variables: tuple[str, ...] = ()
