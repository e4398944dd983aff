"""What the doctor's checks are made of: findings, bounded in time, and how HTTP is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from campaigns.refusals import Sentence
from dialer.asterisk.ami import AmiError
from dialer.database.pool import DatabaseError

LIMIT_S = 12.0
REQUEST_TIMEOUT_S = 5.0

Check = Callable[[], Awaitable[Sentence]]


class Trouble(Exception):
    """A check found something wrong; the text says what to do."""

    def __init__(self, en: str, ru: str) -> None:
        super().__init__(en)
        self.sentence = Sentence(en, ru)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. `check` is a stable name."""

    check: str
    ok: bool
    text: str
    text_ru: str

    def said(self, language: str) -> str:
        """The line for people, but for its mark."""
        name = _NAMES.get(self.check) or _NAMES.get(self.check.partition(" ")[0])
        title = name.to(language) + self.check.removeprefix(name.en) if name else self.check
        return f"{title}: {Sentence(self.text, self.text_ru).to(language)}"


def found(check: str, ok: bool, sentence: Sentence) -> Finding:
    """A finding of a sentence in both languages."""
    return Finding(check, ok, sentence.en, sentence.to("ru"))


_NAMES = {
    name.en: name
    for name in (
        Sentence("settings", "настройки"),
        Sentence("host name", "имя машины"),
        Sentence("database", "база данных"),
        Sentence("system clock", "часы машины"),
        Sentence("calendars", "календари"),
        Sentence("recordings", "записи"),
        Sentence("ports", "порты"),
        Sentence("installation", "установка"),
        Sentence("outside phones", "внешние телефоны"),
        Sentence("modules", "модули"),
        Sentence("trunk", "транк"),
        Sentence("registration", "регистрация"),
        Sentence("ami rights", "права ami"),
        Sentence("dialplan", "диалплан"),
        Sentence("prompts", "фразы"),
        Sentence("clock", "часы Asterisk"),
        Sentence("cel journal", "журнал cel"),
    )
}


async def finding(name: str, check: Check) -> Finding:
    """Carries out one check, bounded in time."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return found(name, True, await check())
    except TimeoutError:
        told = Sentence(
            f"no answer in {LIMIT_S:g} s; the machine may be overloaded",
            f"нет ответа за {LIMIT_S:g} с; возможно, машина перегружена",
        )
        return found(name, False, told)
    except (aiohttp.ClientError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Finding(name, False, f"{type(error).__name__}: {error}", "")
    except Trouble as trouble:
        return found(name, False, trouble.sentence)
    except (AmiError, DatabaseError, OSError) as error:
        return Finding(name, False, str(error), "")


def http_session(headers: dict[str, str] | None = None) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    return aiohttp.ClientSession(timeout=timeout, headers=headers)


async def read_json(response: aiohttp.ClientResponse) -> Any:
    """The body; None where it is not JSON."""
    try:
        return await response.json(content_type=None)
    except ValueError:
        return None
