"""Pictures of every report for the documents, of a floor that is the same every time.

python -m tests.report_pictures [FOLDER]     (default: docs/images/reports)

For each report: NAME.png, its page in a real browser in Russian, and all tables as a terminal of
120 columns shows them, in English, in docs/reference/report-tables.md. FOLDER/pages.json says of
which pages the pictures are, so that a test sees when the product shows something else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from campaigns.refusals import Language
from dialer.database.embedded import EmbeddedPostgres
from dialer.database.migrate import migrate
from dialer.database.pool import open_pool
from monitoring.reports.asked import Asked, read
from monitoring.reports.catalog import ReportKind
from monitoring.reports.formats import FORMATS
from monitoring.reports.service import ReportService, catalogue
from monitoring.reports.sheet import Report
from monitoring.reports.terminal import Terminal
from tests.chromium import Page, browser, write_voice
from tests.fixtures_asterisk import PROJECT
from tests.report_floor import NOW, Worked

FOLDER = PROJECT / "docs/images/reports"
TABLES = PROJECT / "docs/reference/report-tables.md"
DIGESTS = "pages.json"
ATTEMPT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WIDTH, TALLEST, SCALE, COLUMNS = 1120, 900, 0.8, 120
INTRO = """\
# Reports in a terminal

What `prozvon report NAME --from 2026-03-05 --to 2026-03-07 --compare previous` prints, on 120
columns, of an invented floor. Made by `python -m tests.report_pictures`, with the
[pictures of the pages](reports.md).
"""


@dataclass(frozen=True)
class Pictures:
    service: ReportService

    async def report(self, kind: ReportKind, language: Language) -> Report:
        compare = None if kind.timeless else "previous"
        asked = Asked(kind.name, "2026-03-05", "2026-03-07", compare)
        return await self.service.make(read(asked, "Europe/Moscow", NOW, language), NOW)

    async def text(self, kind: ReportKind) -> str:
        file = io.StringIO()
        made = await self.report(kind, "en")
        Console(file=file, width=COLUMNS, color_system=None).print(Terminal(made, "en"))
        lines = "\n".join(line.rstrip() for line in file.getvalue().splitlines())
        return f"\n## {kind.name}\n\n```text\n{lines}\n```\n"

    async def page(self, kind: ReportKind) -> bytes:
        return FORMATS["html"].write(await self.report(kind, "ru"), "ru")

    async def tables(self) -> str:
        return INTRO + "".join([await self.text(kind) for kind in catalogue()])


def digest(page: bytes) -> str:
    """Of a page; attempts have other ids each time."""
    return hashlib.sha256(without_ids(page.decode()).encode()).hexdigest()


def without_ids(text: str) -> str:
    return ATTEMPT_ID.sub("", text)


async def picture(page: Page, html: Path, file: Path) -> None:
    """The upper part of a page as a browser paints it."""
    await page.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=TALLEST,
                    deviceScaleFactor=1, mobile=False)  # fmt: skip
    await page.call("Emulation.setScrollbarsHidden", hidden=True)
    await page.open(html.as_uri())
    await page.until(f"document.readyState === 'complete' && location.href === '{html.as_uri()}'")
    height = await page.ask("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, TALLEST), "scale": SCALE}
    data = await page.call("Page.captureScreenshot", format="png", clip=clip)
    file.write_bytes(base64.b64decode(data["data"]))


async def make(folder: Path, tables: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROJECT / "var") as name:
        work = Path(name)
        server = EmbeddedPostgres(work / "postgres", durable=False)
        await server.start()
        try:
            dsn = await server.create_database("pictures", if_missing=True)
            await migrate(dsn)
            pool = await open_pool(dsn, application_name="prozvon pictures")
            worked = Worked(pool)
            floor = await worked.make()
            await worked.promise()
            made = Pictures(ReportService(pool, floor.id))
            async with browser(work, write_voice(work / "voice.wav", 440, 1)) as page:
                digests = {}
                for kind in catalogue():
                    html = work / f"{kind.name}.html"
                    html.write_bytes(await made.page(kind))
                    digests[kind.name] = digest(html.read_bytes())
                    await picture(page, html, folder / f"{kind.name}.png")
            (folder / DIGESTS).write_text(json.dumps(digests, indent=2) + "\n")
            tables.write_text(await made.tables())
            await pool.close()
        finally:
            await server.stop()


def main() -> None:
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        asyncio.run(make(folder, folder / TABLES.name))
    else:
        asyncio.run(make(FOLDER, TABLES))


if __name__ == "__main__":
    main()
