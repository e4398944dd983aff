"""Pictures and tables of reports in the documents show what the product shows."""

import json

from dialer.database.pool import Pool
from monitoring.reports.service import ReportService, catalogue
from tests.report_floor import Worked
from tests.report_pictures import DIGESTS, FOLDER, TABLES, Pictures, digest, without_ids


async def test_they_are_of_the_reports_as_they_are_now(pool: Pool) -> None:
    worked = Worked(pool)
    floor = await worked.make()
    await worked.promise()
    made = Pictures(ReportService(pool, floor.id))
    pages = {kind.name: digest(await made.page(kind)) for kind in catalogue()}
    command = "run: python -m tests.report_pictures"
    assert pages == json.loads((FOLDER / DIGESTS).read_text()), command
    assert without_ids(await made.tables()) == without_ids(TABLES.read_text()), command
