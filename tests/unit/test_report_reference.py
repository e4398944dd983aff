"""docs/reference/reports.md is what the reports are, with a picture of each."""

from pathlib import Path

from monitoring.reports.formats import FORMATS
from monitoring.reports.reference import page
from monitoring.reports.service import catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_what_the_code_makes() -> None:
    command = "python -m monitoring.reports.reference > docs/reference/reports.md"
    assert (DOCS / "reference/reports.md").read_text() == page(), f"run: {command}"


def test_every_picture_and_table_is_of_a_report() -> None:
    """They are made by `python -m tests.report_pictures`."""
    names = {kind.name: kind.title.en for kind in catalogue()}
    pictures = {file.stem for file in (DOCS / "images/reports").glob("*.png")}
    tables = (DOCS / "reference/report-tables.md").read_text()
    assert pictures and pictures <= set(names)
    for name in pictures:
        assert f"\n## {name}\n\n```text\n{names[name]}\n" in tables


def test_the_command_page_names_every_format() -> None:
    text = (DOCS / "reference/commands.md").read_text()
    assert "|".join(FORMATS) in text
