"""What commands say in Russian, and nothing of it in English."""

import asyncio
from pathlib import Path

from campaigns.lists.reasons import REJECTS
from tests.fixtures_cli import Prozvon


async def test_a_list_in_russian(with_database: Prozvon, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text("Телефон\n112\n+79161234567\n")
    (tmp_path / "empty.csv").write_text("")
    run = asyncio.to_thread
    code, _, err = await run(with_database.text, "list", "import", "empty.csv", "--lang", "ru")
    assert (code, err) == (1, "prozvon: empty.csv: файл пуст; выгрузите базу заново\n")
    code, out, _ = await run(with_database.text, "list", "--lang=ru", "import", "base.csv")
    why = REJECTS["emergency"].ru
    assert code == 0 and f"строка 2, Телефон: {why}" in out and "отвергнуто" in out
    assert f"2,Телефон,112,{why},112" in (tmp_path / "base.rejects.csv").read_text("utf-8-sig")


async def test_a_manager_reads_russian(with_database: Prozvon, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text("Телефон\n+79161234567\n")
    for told, *command in (
        ("принято", "list", "import", "base.csv"),
        ("лидов: 1. Одобрите её", "campaign", "create", "spring", "--list", "base"),
        ("Кампания spring: в архиве", "campaign", "archive", "spring"),
        ("0.03", "campaign", "show", "spring"),
        ("версия", "campaign", "versions", "spring"),
        ("номера нет, %", "list", "health", "base"),
        ("номера скрыты", "list", "export", "out.csv"),
        ("+7903*: больше не звонить.", "dnc", "add", "+7903*"),
        ("запись", "dnc", "list"),
        ("Согласий пока нет.", "consent", "list"),
        ("Изменено лидов: 1.", "lead", "set", "spring", "--all", "--priority", "5"),
        ("Перезвон 1: ", "callback", "add", "1", "+2h"),
        ("попыток", "callback", "list"),
        ("8 в месяц", "legal", "show", "ru_debt"),
        ("взыскание (230-ФЗ)", "legal", "list"),
        ("выходной", "calendar", "show", "ru", "2026"),
    ):
        code, out, _ = await asyncio.to_thread(with_database.text, "--lang", "ru", *command)
        assert code == 0 and told in out, command
    neither = ("lead", "set", "spring", "--priority", "5")
    code, _, err = await asyncio.to_thread(with_database.text, "--lang", "ru", *neither)
    assert code == 1 and "укажите, какие лиды" in err
    both = ("dnc", "add", "+7904*", "--system", "--campaign", "spring")
    code, _, err = await asyncio.to_thread(with_database.text, "--lang", "ru", *both)
    assert (code, err) == (1, "prozvon: укажите что-то одно: --system или --campaign\n")


async def test_plans_sums_and_recordings(with_database: Prozvon) -> None:
    for language, told, *command in (
        ("en", "No plans yet: prozvon plan set", "plan", "list"),
        ("ru", "Планов пока нет: prozvon plan set", "plan", "list"),
        ("en", "floor: 300 dials a day from 2026-03-02",
         "plan", "set", "floor", "dials", "300", "--from", "2026-03-02"),
        ("ru", "площадка: разговоры — 40 в день с 2026-03-02",
         "plan", "set", "floor", "conversations", "40", "--from", "2026-03-02"),
        ("en", "mon,tue,wed,thu,fri", "plan", "list"),
        ("ru", "пн,вт,ср,чт,пт", "plan", "list"),
        ("ru", "с 2026-04-01 без плана",
         "plan", "end", "floor", "dials", "--from", "2026-04-01"),
        ("en", "Nothing is rolled up yet", "rollups", "status"),
        ("ru", "Суммы ещё не посчитаны", "rollups", "status"),
        ("ru", "Истории пока нет.", "rollups", "rebuild"),
        ("ru", "Было бы удалено записей: 0", "recording", "purge", "--dry-run"),
        ("ru", "Делать нечего.", "migrate"),
    ):  # fmt: skip
        code, out, _ = await asyncio.to_thread(with_database.text, "--lang", language, *command)
        assert code == 0 and told in out, (command, out)


async def test_data_of_a_person(with_database: Prozvon, tmp_path: Path) -> None:
    (tmp_path / "base.csv").write_text("phone\n+79161234567\n+79161234568\n")
    await with_database.done("list", "import", "base.csv")
    erase = ("person", "erase", "--reason", "asked", "--yes")
    for language, told, *command in (
        ("en", "what is known", "person", "export", "+79161234567"),
        ("ru", "что известно", "person", "export", "+79161234567"),
        ("en", "Erased: 1 contacts, 0 calls", *erase, "+79161234567"),
        ("ru", "Стёрто: контактов 1, звонков без имени теперь 0", *erase, "+79161234568"),
    ):
        code, out, _ = await asyncio.to_thread(with_database.text, "--lang", language, *command)
        assert code == 0 and told in out, (command, out)


async def test_without_serve_and_with_wrong_words(prozvon: Prozvon) -> None:
    for told, *command in (
        ("запустите: prozvon serve", "operator", "ready", "anna"),
        ("запустите: prozvon serve", "supervisor", "list"),
        ("укажите число дней", "recording", "keep", "spring", "long"),
        ("укажите одно из --check", "asterisk", "install"),
    ):
        code, _, err = await asyncio.to_thread(prozvon.text, "--lang", "ru", *command)
        assert code == 1 and told in err, command


async def test_the_doctor(prozvon: Prozvon) -> None:
    for language, *told in (
        (
            "en",
            "ok    settings: can be read",
            "FAIL  serve: it does not run",
            "FAIL  trunk carrier:",
        ),
        ("ru", "ok    настройки: читаются", "СБОЙ  serve: не работает", "СБОЙ  транк carrier:"),
        ("ru", "часы машины: ", "не проверялось: сначала наладьте строку «ari»"),
    ):
        code, out, _ = await asyncio.to_thread(prozvon.text, "--lang", language, "doctor")
        assert code == 1 and all(one in out for one in told), out
