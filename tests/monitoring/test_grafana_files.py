"""Dashboards as committed are those of the code, and speak both languages."""

from __future__ import annotations

import json
from pathlib import Path

from monitoring.grafana.boards import BOARDS
from monitoring.grafana.build import FOLDER, files
from tests.fixtures_asterisk import PROJECT


def test_the_committed_files_are_what_the_code_makes() -> None:
    made = dict(files())
    found = {str(p.relative_to(FOLDER)): p.read_text() for p in FOLDER.rglob("*.json")}
    assert found == made, "run: make dashboards"


def test_every_board_comes_in_both_languages_with_its_own_uid() -> None:
    boards = [json.loads(text) for _, text in files()]
    assert len({board["uid"] for board in boards}) == len(boards) == 2 * len(BOARDS)
    titles = {board["uid"]: board["title"] for board in boards}
    for board in BOARDS:
        assert (titles[f"{board.uid}-en"], titles[f"{board.uid}-ru"]) == (
            f"Prozvon: {board.title.en}", f"Prozvon: {board.title.ru}",
        )  # fmt: skip


def test_every_link_leads_to_a_runbook_that_is_there() -> None:
    panels = [panel for board in BOARDS for _, row in board.rows for panel in row]
    pages = {panel.runbook for panel in panels if panel.runbook}
    assert pages
    for page in pages:
        assert (PROJECT / f"docs/runbooks/{page}.md").is_file(), page


def test_the_provisioned_datasource_is_prometheus() -> None:
    text = Path(PROJECT / "monitoring/grafana/provisioning/datasources/prozvon.yml").read_text()
    assert "type: prometheus" in text
