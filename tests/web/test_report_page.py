"""A report's page in a real browser: its charts are drawn, nothing is fetched, and it prints."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from dialer.database.pool import Pool
from monitoring.reports.asked import Asked, read
from monitoring.reports.charts import drawn
from monitoring.reports.formats import FORMATS
from monitoring.reports.service import ReportService, catalogue
from monitoring.reports.sheet import Report
from monitoring.reports.words import Words
from tests.chromium import Page, browser, write_voice
from tests.report_floor import NOW, STAFF, Worked

BARS = """[...document.querySelectorAll('svg rect')].map(bar => {
    const box = bar.getBoundingClientRect();
    return [bar.querySelector('title').textContent, box.width, box.height];
})"""
OUTSIDE = "performance.getEntriesByType('resource').length"
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
HEADS_ON_PAPER = """[...document.querySelectorAll('table.data')].filter(table =>
    table.getBoundingClientRect().width > 277 * 96 / 25.4).length"""


async def shown(page: Page, report: Report, file: Path, language: Any) -> None:
    file.write_bytes(FORMATS["html"].write(report, language))
    await page.open(file.as_uri())
    await page.until(f"location.href === '{file.as_uri()}' && document.readyState === 'complete'")


async def test_every_report_is_seen_and_printed(pool: Pool, tmp_path: Path) -> None:
    floor = await Worked(pool, days=2, dials=8).make()
    service = ReportService(pool, floor.id)

    async def made(name: str, compare: str | None = None) -> Report:
        asked = Asked(name, "2026-03-03", "2026-03-03", compare)
        return await service.make(read(asked, "Europe/Moscow", NOW, "ru"), NOW)

    async with browser(tmp_path, write_voice(tmp_path / "voice.wav", 440, 1)) as page:
        for kind in catalogue():
            report = await made(kind.name)
            await shown(page, report, tmp_path / f"{kind.name}.html", "ru")
            assert await page.ask("document.querySelector('h1').textContent") == report.title.ru
            words = Words("ru", report.period.zone)
            pictures = [c for c in report.charts if drawn(c, report.table(c.table), words)]
            found = await page.ask("document.querySelectorAll('figure svg, figure .heat').length")
            assert found == len(pictures)
            assert not await page.ask(WIDE), kind.name
            assert await page.ask(OUTSIDE) == 0 and page.console == []
        await drawn_to_scale(page, await made("productivity", "previous"), tmp_path)
        await on_paper(page)


async def drawn_to_scale(page: Page, report: Report, folder: Path) -> None:
    """The bars that the browser paints are as long as the numbers are large."""
    await shown(page, report, folder / "compared.html", "ru")
    table = report.table("work")
    dials = {row.cells[0]: row.cells[table.form.index("dials")] for row in table.rows}
    assert set(dials) == set(STAFF)
    widths = {text.partition(":")[0]: width for text, width, _ in await page.ask(BARS)
              if re.fullmatch(r"\w+: наборы \d+", text)}  # fmt: skip
    unit = widths["anna"] / int(str(dials["anna"]))
    for login, count in dials.items():
        assert abs(widths[login] - unit * int(str(count))) < 1, (login, widths)
    assert await page.ask("document.querySelectorAll('svg line.then').length") == 2 * len(STAFF)
    shown_rows = await page.ask("document.querySelectorAll('table.data tbody tr').length")
    assert shown_rows % (len(STAFF) + 1) == 0 and shown_rows > 0


async def on_paper(page: Page) -> None:
    """A4 lying: tables fit its width, and a row or chart is on one sheet or the other."""
    await page.call("Emulation.setEmulatedMedia", media="print")
    assert await page.ask(HEADS_ON_PAPER) == 0
    for what in ("table.data tr", "figure"):
        rule = f"getComputedStyle(document.querySelector('{what}')).breakInside"
        assert await page.ask(rule) == "avoid"
    printed = await page.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    pdf = base64.b64decode(printed["data"])
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert boxes and all(float(wide) > float(high) for wide, high in boxes)
    assert 1 <= len(boxes) <= 5
