"""docs/reference/reports.md is what the reports are, with a picture of each."""

from pathlib import Path

from monitoring.reports.formats import FORMATS
from monitoring.reports.reference import page
from monitoring.reports.service import catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_what_the_code_makes() -> None:
    command = "python -m monitoring.reports.reference > docs/reference/reports.md"
    assert (DOCS / "reference/reports.md").read_text() == page(), f"run: {command}"


def test_every_report_has_its_picture_and_its_table() -> None:
    tables = (DOCS / "reference/report-tables.md").read_text()
    for kind in catalogue():
        picture = DOCS / f"images/reports/{kind.name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG"), "run: python -m tests.report_pictures"
        assert f"\n## {kind.name}\n\n```text\n{kind.title.en}\n" in tables


def test_the_command_page_names_every_format() -> None:
    text = (DOCS / "reference/commands.md").read_text()
    assert "|".join(FORMATS) in text
