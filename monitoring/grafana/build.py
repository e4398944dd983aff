"""Makes Grafana's JSON from the boards: `make dashboards`.

python -m monitoring.grafana.build [FOLDER]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from monitoring.grafana.boards import BOARDS, VARIABLES
from monitoring.grafana.model import LANGUAGES, Board, Panel, Text

FOLDER = Path(__file__).parent / "dashboards"
DATASOURCE = models.DataSourceRef("prometheus", "${datasource}")
HEIGHTS = {"number": 4}
RUNBOOK = Text("Runbook", "Что делать")
ADDRESS = Text("Prozvon's address", "Адрес Prozvon")
OTHER_BOARDS = Text("Other boards", "Другие панели")

AnyPanel = stat.Panel | timeseries.Panel | bargauge.Panel


def files() -> Iterator[tuple[str, str]]:
    """(path below FOLDER, JSON) of every board in every language."""
    for language in LANGUAGES:
        for board in BOARDS:
            text = json.dumps(
                _board(board, language).build(),
                cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False,
            )  # fmt: skip
            yield f"{language}/{board.uid}.json", text + "\n"


def _board(board: Board, language: str) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(f"Prozvon: {board.title[language]}")
        .uid(f"{board.uid}-{language}")
        .tags(["prozvon", language])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink(OTHER_BOARDS[language])
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["prozvon", language])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
    )
    address = dashboard.TextBoxVariable("prozvon").label(ADDRESS[language])
    made = made.with_variable(address.default_value("http://127.0.0.1:9464"))
    for name in ("floor", *board.variables):
        made = made.with_variable(_variable(name, language))
    y = 0
    for title, panels in board.rows:
        made = made.with_row(
            dashboard.Row(title[language]).grid_pos(models.GridPos(h=1, w=24, x=0, y=y))
        )
        y += 1
        for panel, place in _placed(panels, y):
            made = made.with_panel(_panel(panel, language).grid_pos(place))
            y = max(y, place.y + place.h)
    return made


def _placed(panels: tuple[Panel, ...], y: int) -> Iterator[tuple[Panel, models.GridPos]]:
    """From left to right, on to the next line where the width is used up."""
    x = height = 0
    for panel in panels:
        tall = HEIGHTS.get(panel.kind, 8)
        if x + panel.width > 24:
            x, y, height = 0, y + height, 0
        yield panel, models.GridPos(h=tall, w=panel.width, x=x, y=y)
        x, height = x + panel.width, max(height, tall)


def _variable(name: str, language: str) -> dashboard.QueryVariable:
    label, query = VARIABLES[name]
    return (
        dashboard.QueryVariable(name)
        .label(label[language])
        .datasource(DATASOURCE)
        .query({"query": query, "refId": "StandardVariableQuery"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _panel(panel: Panel, language: str) -> AnyPanel:
    made = _kind(panel)
    made.title(panel.title[language]).unit(panel.unit).datasource(DATASOURCE)
    if panel.help is not None:
        made.description(panel.help[language])
    if panel.runbook:
        url = f"${{prozvon}}/runbooks/{panel.runbook}"  # the controller serves them
        made.links([dashboard.DashboardLink(RUNBOOK[language]).url(url).target_blank(True)])
    if panel.steps is not None:
        made.thresholds(_thresholds(panel.steps, falling=panel.falling))
    for number, query in enumerate(panel.queries):
        made.with_target(
            prometheus.Dataquery()
            .expr(query.expr)
            .legend_format(query.name(language) or "__auto")
            .ref_id(chr(ord("A") + number))
        )
    return made


def _kind(panel: Panel) -> AnyPanel:
    if panel.kind == "number":
        last = common.ReduceDataOptions().calcs(["lastNotNull"])
        return stat.Panel().reduce_options(last).graph_mode(common_models.BigValueGraphMode.NONE)
    if panel.kind == "bars":
        last = common.ReduceDataOptions().calcs(["lastNotNull"])
        orientation = common_models.VizOrientation.HORIZONTAL
        return bargauge.Panel().reduce_options(last).orientation(orientation)
    lines = timeseries.Panel().min(0) if not panel.falling else timeseries.Panel()
    if panel.kind == "areas":
        stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
        return lines.stacking(stacking).fill_opacity(40).line_width(0)
    return lines.fill_opacity(8).line_width(2)


def _thresholds(steps: tuple[float, float], *, falling: bool) -> dashboard.ThresholdsConfig:
    low, high = steps
    colors = ("red", "yellow", "green") if falling else ("green", "yellow", "red")
    first, second, third = (
        models.Threshold(value, color)
        for value, color in zip((None, low, high), colors, strict=True)
    )
    mode = models.ThresholdsMode.ABSOLUTE
    return dashboard.ThresholdsConfig().mode(mode).steps([first, second, third])


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, text in files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
