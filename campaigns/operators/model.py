"""PURE. Operators as staff: logins, stages, and the phone's login."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dialer.ids import SIP_REALM

LOGIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
STAGES = ("cold_call", "sale", "key_account", "support")
ROLES = ("operator", "supervisor")
FULL_NAME_CHARS = 200
SKILL_CHARS = 64
TEAM_CHARS = 64
SKILLS = 50

# Without letters and digits that look like others: people type it into their phones.
_PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # noqa: S105
_PASSWORD_LENGTH = 16


class OperatorError(ValueError):
    """Staff cannot be changed as asked. `id` is stable; the text says what to do."""

    def __init__(self, id: str, text: str) -> None:
        super().__init__(text)
        self.id = id


@dataclass(frozen=True, slots=True)
class NewOperator:
    """A person who joins a floor."""

    login: str
    full_name: str
    stage: str = "cold_call"
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneLogin:
    """What a SIP phone registers with. The password is kept nowhere: it is shown once."""

    username: str
    password: str

    @property
    def ha1(self) -> str:
        """RFC 2617's H(A1), what the digest is checked against."""
        text = f"{self.username}:{SIP_REALM}:{self.password}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class StaffMember:
    """An operator of the floor. `signed_in_at` is None without an open shift."""

    login: str
    full_name: str
    stage: str
    skills: tuple[str, ...]
    team: str
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Logins whose phones were added to and removed from the node."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


def new_phone(login: str) -> PhoneLogin:
    """A phone login `op-<login>` with a password made up now."""
    letters = (secrets.choice(_PASSWORD_LETTERS) for _ in range(_PASSWORD_LENGTH))
    return PhoneLogin(f"op-{login}", "".join(letters))


def check(new: NewOperator) -> None:
    """Raises OperatorError `bad_value` that names every wrong value of `new`."""
    problems = list(_problems(new))
    if problems:
        raise OperatorError("bad_value", "; ".join(problems))


def check_team(team: str) -> str:
    """A team's name without spaces around; "" is none. Raises OperatorError `bad_value`."""
    name = team.strip()
    if name and not _is_line(name, TEAM_CHARS):
        text = f"a team's name is one line of up to {TEAM_CHARS} characters"
        raise OperatorError("bad_value", text)
    return name


def _problems(new: NewOperator) -> Iterator[str]:
    if not LOGIN.match(new.login):
        yield (
            "a login has up to 32 of a-z, 0-9, _ and -, and begins with a letter or a digit; "
            f"{new.login!r} is none"
        )
    if not _is_line(new.full_name, FULL_NAME_CHARS):
        yield f"a name is one line of 1 to {FULL_NAME_CHARS} characters"
    if new.stage not in STAGES:
        yield f"the stage is one of {', '.join(STAGES)}, not {new.stage!r}"
    if len(new.skills) > SKILLS or not all(_is_line(skill, SKILL_CHARS) for skill in new.skills):
        yield f"at most {SKILLS} skills, each one line of 1 to {SKILL_CHARS} characters"


def _is_line(text: str, length: int) -> bool:
    return bool(text.strip()) and len(text) <= length and text.isprintable()
