"""PURE. Why a row, a number or a whole list is left out: stable ids with a sentence in two
languages.

A sentence is a template of `str.format`; a value that is a Sentence itself is said in the language
of the whole. `said` fills it in.
"""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.refusals import Sentence

REJECTS: Mapping[str, Sentence] = {
    "no_number": Sentence("there is no number", "здесь нет номера"),
    "no_phone": Sentence("there is no phone in the row", "в строке нет телефона"),
    "code": Sentence(
        "text like ${{...}} is not a phone number", "текст вида ${{...}} не телефонный номер"
    ),
    "rounded": Sentence(
        "Excel rounded the number and its last digits are lost; "
        "format the column as text and export the file again",
        "Excel округлил номер, последние цифры потеряны; "
        "сделайте столбец текстовым и выгрузите файл заново",
    ),
    "letters": Sentence("a phone number has no letters", "в телефонном номере не бывает букв"),
    "signs": Sentence(
        "there are signs that no phone number has", "есть знаки, которых в номере не бывает"
    ),
    "short": Sentence(
        "too short for a phone number; write it with the area code",
        "слишком коротко для номера; напишите его с кодом города",
    ),
    "long": Sentence(
        "too long for a phone number; several numbers in one cell need a comma between them",
        "слишком длинно для номера; несколько номеров в одной ячейке разделите запятыми",
    ),
    "emergency": Sentence(
        "an emergency number is never dialed", "экстренные службы не набираются никогда"
    ),
    "service": Sentence(
        "a short service number is not dialed", "короткие служебные номера не набираются"
    ),
    "premium": Sentence("a premium rate number is not dialed", "платные номера не набираются"),
    "network": Sentence(
        "a satellite or international network number is not dialed",
        "номера спутниковых и международных сетей не набираются",
    ),
    "invalid": Sentence(
        "no such number exists; a foreign number needs + and the country code",
        "такого номера нет; иностранному нужны + и код страны",
    ),
    "time_zone": Sentence(
        "no such time zone; write it like Europe/Samara, UTC+4 or МСК+1",
        "такого часового пояса нет; напишите как Europe/Samara, UTC+4 или МСК+1",
    ),
    "consent": Sentence(
        "consent is yes or no (да, нет); recorded as none",
        "согласие пишется «да» или «нет»; считаем, что согласия нет",
    ),
    "consent_date": Sentence(
        "no such date of consent; write it like 31.12.2025 or 2025-12-31",
        "такой даты согласия нет; напишите как 31.12.2025 или 2025-12-31",
    ),
    "consent_future": Sentence(
        "a consent cannot be given in the future", "дата согласия ещё не наступила"
    ),
    "consent_source": Sentence(
        "say where the consent comes from (column «consent source»)",
        "укажите, откуда согласие (столбец «Источник согласия»)",
    ),
    "priority": Sentence(
        "a priority is a whole number from -1000 to 1000; the contact is taken with the usual one",
        "приоритет: целое число от -1000 до 1000; контакт принят с обычным",
    ),
    "owner": Sentence(
        "no operator has this login or name; the contact is taken as nobody's (a column that is "
        "about something else: --map COLUMN=attribute)",
        "оператора с таким логином или именем нет; контакт принят как ничей (если столбец о "
        "другом: --map СТОЛБЕЦ=attribute)",
    ),
    "nul": Sentence(
        "there is a NUL character in the row; export the file again",
        "в строке есть символ с кодом 0; выгрузите файл заново",
    ),
    "long_cell": Sentence(
        "the cell is longer than 32,767 characters", "ячейка длиннее 32 767 знаков"
    ),
    "endless_cell": Sentence("a cell is too long", "ячейка слишком длинная"),
    "long_line": Sentence(
        "the line is longer than 1,000,000 characters", "строка длиннее 1 000 000 знаков"
    ),
    "many_cells": Sentence(
        "the row has more cells than the header; a text that contains the separator needs quotes",
        "ячеек больше, чем в заголовке; текст, в котором есть разделитель, возьмите в кавычки",
    ),
    "quotes": Sentence("the quotes of the row do not fit together", "кавычки в строке не сходятся"),
}
"""What `Reject.reason` may be: a number, a cell or a row is left out, the file goes on."""

_SAVE_EN = "open it in the program that made it and save it as CSV (UTF-8)"
_SAVE_RU = "откройте его в программе, где он сделан, и сохраните как CSV (UTF-8)"

REFUSALS: Mapping[str, Sentence] = {
    "empty_file": Sentence(
        "the file is empty; export the list again", "файл пуст; выгрузите базу заново"
    ),
    "no_rows": Sentence(
        "there is a header and no row; export the list again",
        "есть заголовок и ни одной строки; выгрузите базу заново",
    ),
    "unreadable_file": Sentence(
        "the file cannot be read ({error}); check its name and rights",
        "файл не читается ({error}); проверьте его имя и права",
    ),
    "reader_gone": Sentence(
        "the process that read the file has ended ({how}): was it killed, is memory short? "
        "Nothing was stored; import the file again",
        "процесс, читавший файл, завершился ({how}): его остановили или не хватило памяти? "
        "Ничего не записано; загрузите файл ещё раз",
    ),
    "no_csv": Sentence(
        f"this is {{kind}}, not CSV; {_SAVE_EN}", f"это {{kind}}, не CSV; {_SAVE_RU}"
    ),
    "bad_encoding": Sentence(
        f"the text is not {{encoding}} ({{error}}); {_SAVE_EN}",
        f"это не текст в {{encoding}} ({{error}}); {_SAVE_RU}",
    ),
    "unknown_encoding": Sentence(
        f"the text is neither UTF-8 nor Windows-1251; {_SAVE_EN}",
        f"текст не в UTF-8 и не в Windows-1251; {_SAVE_RU}",
    ),
    "bad_header": Sentence("{problem}; correct the header", "{problem}; исправьте заголовок"),
    "no_list": Sentence("{problem}; this is no list", "{problem}; это не база"),
    "open_quote": Sentence(
        "a quote that opens here is not closed; close or remove it",
        "кавычка, открытая здесь, не закрыта; закройте или уберите её",
    ),
    "bad_workbook": Sentence(
        "this is no Excel or OpenDocument workbook that can be read ({error}); open it in the "
        "program that made it and save it again, without a password",
        "это не книга Excel или OpenDocument, которую можно прочесть ({error}); откройте её в "
        "программе, где она сделана, и сохраните заново, без пароля",
    ),
    "unknown_sheet": Sentence(
        "there is no sheet {name!r}; the workbook has: {names}",
        "листа «{name}» нет; в книге есть: {names}",
    ),
    "no_phone_column": Sentence(
        "this line was taken for the header, but no column holds phones (columns: {names}); "
        "name one Телефон or phone, or say which one holds them (--map COLUMN=phone), and check "
        "that cells are separated by comma, semicolon or tab",
        "эта строка принята за заголовок, и ни в одном её столбце нет телефонов (столбцы: "
        "{names}); назовите один «Телефон» или укажите, где телефоны (--map СТОЛБЕЦ=phone), и "
        "проверьте, что ячейки разделены запятой, точкой с запятой или табуляцией",
    ),
    "bad_mapping": Sentence(
        "{pair!r} maps nothing; write COLUMN=FIELD, FIELD one of {fields}",
        "«{pair}» ничего не сопоставляет; напишите СТОЛБЕЦ=ПОЛЕ, где ПОЛЕ одно из {fields}",
    ),
    "no_mapping_name": Sentence(
        "a mapping is kept under a name; give one", "сопоставлению нужно имя; укажите его"
    ),
    "unknown_mapping": Sentence(
        "there is no mapping named {name!r}; see: prozvon list mappings",
        "сопоставления «{name}» нет; какие есть: prozvon list mappings",
    ),
    "bad_list_name": Sentence(
        "a list's name is one line of 1 to {most} characters; give another",
        "название базы: одна строка, от 1 до {most} знаков; укажите другое",
    ),
    "no_list_name": Sentence(
        "standard input has no name; give the list one: --name NAME",
        "у стандартного ввода нет имени; назовите базу: --name ИМЯ",
    ),
    "unknown_region": Sentence(
        "{region!r} is no region; use two capital letters of ISO 3166, as RU",
        "«{region}» не страна; нужны две заглавные буквы ISO 3166, например RU",
    ),
    "bad_on_duplicate": Sentence(
        "on_duplicate is one of skip, update, add", "on_duplicate: одно из skip, update, add"
    ),
    "bad_days": Sentence(
        "duplicates are looked for in the last 1 to {most} days; give a whole number",
        "дубли ищутся за последние дни, от 1 до {most}; укажите целое число",
    ),
    "two_places": Sentence(
        "duplicates are looked for in a campaign or in the last days, not in both",
        "дубли ищутся или в кампании, или за последние дни, но не там и там сразу",
    ),
    "rejects_overwrite": Sentence(
        "the rejects file would overwrite the list's file; choose another place",
        "файл отказов затёр бы файл базы; выберите для него другое место",
    ),
    "rejects_unwritable": Sentence(
        "the rejects file {path} cannot be written ({error}); choose another place for it",
        "файл отказов {path} не записать ({error}); выберите для него другое место",
    ),
    "unknown_list": Sentence(
        "there is no list named {name!r}; see: prozvon list show",
        "базы «{name}» нет; какие есть: prozvon list show",
    ),
    "unknown_campaign": Sentence(
        "there is no campaign named {name!r}; see: prozvon campaign status",
        "кампании «{name}» нет; какие есть: prozvon campaign status",
    ),
    "unknown_floor": Sentence(
        "there is no floor named {name!r}; create it, or check the name",
        "площадки «{name}» нет; создайте её или проверьте название",
    ),
    "bad_filter": Sentence(
        "{pair!r} is no filter; write NAME=VALUE", "«{pair}» не отбор; напишите ИМЯ=ЗНАЧЕНИЕ"
    ),
    "bad_export_name": Sentence(
        "{name!r}: end the name with .csv or .xlsx, which says what to write",
        "«{name}»: имя должно кончаться на .csv или .xlsx, от этого зависит формат",
    ),
    "many_rows": Sentence(
        "a workbook has at most 1,048,575 rows; export to CSV, or filter",
        "в книге не больше 1 048 575 строк; выгрузите в CSV или отберите часть",
    ),
}
"""Ids of ListError and ListFileError: nothing of the file is imported, nothing is exported."""

REASONS: Mapping[str, Sentence] = {**REJECTS, **REFUSALS}


def said(id: str, **values: object) -> Sentence:
    """The sentence of a reason with its values filled in. Raises KeyError for an unknown id."""
    template = REASONS[id]
    return Sentence(_filled(template, "en", values), _filled(template, "ru", values))


def _filled(template: Sentence, language: str, values: Mapping[str, object]) -> str:
    texts = {
        key: value.to(language) if isinstance(value, Sentence) else value
        for key, value in values.items()
    }
    return template.to(language).format(**texts)
