"""Consents that a list file tells are kept with the list, once, and never brought back."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.consent.service import ConsentService
from campaigns.lists.columns import map_columns
from campaigns.lists.consents import BadConsent, Consent, read_consent
from campaigns.lists.copytext import RowText, line_of
from campaigns.lists.model import ImportResult, Order, read_row
from campaigns.lists.service import ListService
from dialer.database.pool import Pool
from tests.database.store_floor import running_floor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
HEADER = ["Телефон", "Согласие", "Дата согласия", "Источник согласия", "Подтверждение согласия"]
FILE = """Телефон;Часовой пояс;Согласие;Дата согласия;Источник согласия;Подтверждение согласия
+79030000001;Asia/Omsk;да;01.11.2025 12:30;сайт;анкета 1731
+79030000002;;нет;01.11.2025;сайт;
+79030000003;;да;2025-11-01;сайт;
+79030000004;;отозвано;01.11.2025;сайт;
+79030000005;;да;31.02.2025;сайт;
+79030000006;;да;01.11.2125;сайт;
+79030000007;;да;01.11.2025;;
"""


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["", "да", "01.11.2025", "сайт", "3"], Consent("сайт", "3", FIRST)),
        (["", "Да", "2025-11-01T10:00+03:00", "сайт"],
         Consent("сайт", "", datetime(2025, 11, 1, 7, tzinfo=UTC))),
        (["", "", "01.11.2025", "сайт", "3"], None),
        (["", "НЕТ", "", "", ""], None),
        (["", "отозвано", "01.11.2025", "сайт", "3"], BadConsent(1, "отозвано", "consent")),
        (["", "да", "", "сайт", "3"], BadConsent(2, "", "consent_date")),
        (["", "да", "20251101", "сайт", "3"], BadConsent(2, "20251101", "consent_date")),
        (["", "да", "11.13.2025", "сайт", "3"], BadConsent(2, "11.13.2025", "consent_date")),
        (["", "да", "04.03.2026", "сайт", "3"], BadConsent(2, "04.03.2026", "consent_future")),
        (["", "да", "01.11.2025", " ", "3"], BadConsent(3, "", "consent_source")),
    ],
)  # fmt: skip
def test_what_cells_say(cells: list[str], found: object) -> None:
    assert read_consent(cells, map_columns(HEADER), None, NOW) == found


def test_english_names_and_a_date_alone() -> None:
    columns = map_columns(["phone", "consent date", "consent source"])
    given = Consent("site", "", datetime(2025, 11, 1, tzinfo=UTC))
    assert read_consent(["", "2025-11-01", "site"], columns, None, NOW) == given
    assert read_consent(["", "", "site"], columns, None, NOW) is None


def test_without_a_date_column_the_word_stays_an_attribute() -> None:
    columns = map_columns(["Телефон", "Согласие"])
    assert (columns.consent, columns.attributes) == (None, (1,))


CONSENT = map_columns([*HEADER, "ФИО", "Часовой пояс"])
PARTS = (
    st.sampled_from(["89031234567", "нет", "+7 903 123-45-67"]),
    st.sampled_from(["да", "нет", "", "отозвано"]),
    st.sampled_from(["01.11.2025", "2025-11-01T10:00", "", "04.03.2126", "вчера"]),
    st.sampled_from(["сайт", "", " "]),
    st.sampled_from(["анкета 3", ""]),
    st.sampled_from(["Иван", ""]),
    st.sampled_from(["", "Asia/Omsk", "МСК+1", "Луна"]),
)


@given(st.tuples(*PARTS))
def test_consent_is_read_quickly_as_with_all_care(cells: tuple[str, ...]) -> None:
    text, row = RowText(CONSENT, "RU"), read_row(7, cells, CONSENT, "RU", NOW)
    line = text.usual(cells)
    consent = text.consent(cells, NOW) if line is not None else None
    if line is not None and not isinstance(consent, BadConsent):
        assert (line, consent, ()) == (line_of(row), row.consent, row.rejects)


async def load(pool: Pool, dry_run: bool = False) -> ImportResult:
    order = Order("new", dry_run=dry_run, actor="olga")
    return await ListService(pool).import_stream(
        io.BytesIO(FILE.encode()), floor="main", source="march.csv", order=order
    )


async def test_consents_of_a_file_are_kept_once_and_stay_withdrawn(pool: Pool) -> None:
    floor_id = await pool.fetchval("insert into floor (name) values ('main') returning id")
    service = ConsentService(pool, floor_id)
    assert (await load(pool, dry_run=True)).consents == 2
    assert await service.records() == []

    result = await load(pool)
    assert (result.accepted, result.rejected, result.consents) == (7, 0, 2)
    assert [(r.line, r.column, r.value, r.reason) for r in result.rejects] == [
        (5, "Согласие", "отозвано", "consent"),
        (6, "Дата согласия", "31.02.2025", "consent_date"),
        (7, "Дата согласия", "01.11.2125", "consent_future"),
        (8, "Источник согласия", "", "consent_source"),
    ]
    assert {
        r["e164"]: (r["source"], r["evidence"], r["given_at"], r["campaign"])
        for r in await service.records()
    } == {
        "+79030000001": ("сайт", "анкета 1731", datetime(2025, 11, 1, 6, 30, tzinfo=UTC), None),
        "+79030000003": ("сайт", "march.csv, line 4", datetime(2025, 11, 1, tzinfo=UTC), None),
    }

    await service.withdraw("+79030000001", "admin")
    assert (await load(pool)).consents == 0
    records = await service.records()
    assert len(records) == 2
    assert {record["added_by"] for record in records} == {"olga"}
    told = "select actor, details from audit where action = 'consents_imported'"
    assert [tuple(row) for row in await pool.fetch(told)] == [("olga", {"consents": 2})]
    assert [r["e164"] for r in records if r["withdrawn_at"] is None] == ["+79030000003"]


async def test_consent_comes_to_phones_that_the_list_has_already(pool: Pool) -> None:
    floor_id = await pool.fetchval("insert into floor (name) values ('main') returning id")
    plain = io.BytesIO("Телефон\n+79030000001\n".encode())
    await ListService(pool).import_stream(plain, floor="main", source="a.csv", order=Order("new"))
    result = await load(pool)
    assert (result.accepted, result.duplicates, result.consents) == (6, 1, 2)
    assert len(await ConsentService(pool, floor_id).records("+79030000001")) == 1


async def test_leads_that_waited_for_consent_are_asked_again_by_an_import(pool: Pool) -> None:
    floor = await running_floor(pool)
    leads = await floor.add_leads(3)
    await pool.execute("update campaign set consent_needed = true")
    assert await floor.claim() == []
    blocked = "select id from lead where blocked_by = 'no_consent' order by id"
    assert [row["id"] for row in await pool.fetch(blocked)] == leads
    file = "phone,consent date,consent source\n+79160000000,2025-11-01,site\n+79160000001,,\n"
    order = Order("told", on_duplicate="add")
    result = await ListService(pool).import_stream(
        io.BytesIO(file.encode()), floor="main", source="told.csv", order=order
    )
    assert result.consents == 1
    assert [row["id"] for row in await pool.fetch(blocked)] == leads[1:]
    assert [(lead.id, lead.phone) for lead in await floor.claim()] == [(leads[0], "+79160000000")]
