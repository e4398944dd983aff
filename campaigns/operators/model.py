"""PURE. Operators as staff: logins, stages, and the phone's login."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from campaigns.lists.phones import BadPhone, parse_phone
from campaigns.refusals import Refusal, Sentence, joined
from dialer.ids import SIP_REALM

LOGIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
STAGES = ("cold_call", "sale", "key_account", "support")
ROLES = ("operator", "supervisor")
PHONE_MODES = ("nailed_up", "ring_per_call")
FULL_NAME_CHARS = 200
SKILL_CHARS = 64
TEAM_CHARS = 64
SKILLS = 50

# Without letters and digits that look like others: people type it into their phones.
_PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # noqa: S105
_PASSWORD_LENGTH = 16


class OperatorError(Refusal):
    """Staff cannot be changed as asked. `id` is stable; the text says what to do."""


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
    role: str = "operator"
    phone_kind: str = "sip"
    phone_mode: str = "nailed_up"
    phone_number: str | None = None
    """An outside number that is called instead of the SIP or browser phone, masked."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """How somebody's phone is called: `nailed_up` or `ring_per_call`, and an outside number in
    E.164 (None: their SIP or browser phone)."""

    mode: str
    number: str | None


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
        said = joined(problems)
        raise OperatorError("bad_value", said.en, said.ru)


def check_team(team: str) -> str:
    """A team's name without spaces around; "" is none. Raises OperatorError `bad_value`."""
    name = team.strip()
    if name and not _is_line(name, TEAM_CHARS):
        raise OperatorError(
            "bad_value",
            f"a team's name is one line of up to {TEAM_CHARS} characters",
            f"название группы: одна строка до {TEAM_CHARS} знаков",
            status=422,
        )
    return name


def _problems(new: NewOperator) -> Iterator[Sentence]:
    if not LOGIN.match(new.login):
        yield Sentence(
            "a login has up to 32 of a-z, 0-9, _ and -, and begins with a letter or a digit; "
            f"{new.login!r} is none",
            "логин: до 32 знаков из a-z, 0-9, _ и -, первой буква или цифра; "
            f"{new.login!r} не подходит",
        )
    if not _is_line(new.full_name, FULL_NAME_CHARS):
        yield Sentence(
            f"a name is one line of 1 to {FULL_NAME_CHARS} characters",
            f"имя: одна строка от 1 до {FULL_NAME_CHARS} знаков",
        )
    if new.stage not in STAGES:
        stages = ", ".join(STAGES)
        yield Sentence(
            f"the stage is one of {stages}, not {new.stage!r}",
            f"этап: один из {stages}, а не {new.stage!r}",
        )
    if len(new.skills) > SKILLS or not all(_is_line(skill, SKILL_CHARS) for skill in new.skills):
        yield Sentence(
            f"at most {SKILLS} skills, each one line of 1 to {SKILL_CHARS} characters",
            f"навыков не больше {SKILLS}, каждый одной строкой от 1 до {SKILL_CHARS} знаков",
        )


def check_phone(
    mode: str, number: str, region: str, allowed: Callable[[str], bool]
) -> PhoneSettings:
    """What was typed as a phone; `number` "" is none. Raises OperatorError `bad_value`,
    `bad_number`, `number_not_allowed`; the number is not quoted back: refusals are logged.

    `region`: where a number without a country code is; `allowed`: the administrator's rule.
    """
    if mode not in PHONE_MODES:
        modes = ", ".join(PHONE_MODES)
        raise OperatorError(
            "bad_value",
            f"the phone mode is one of {modes}",
            f"режим телефона: один из {modes}",
            status=422,
        )
    if not number.strip():
        return PhoneSettings(mode, None)
    phone = parse_phone(number, region)
    if isinstance(phone, BadPhone) or phone.extension:
        raise OperatorError(
            "bad_number",
            "this is no telephone number; give it as +74951234567",
            "это не телефонный номер; укажите его в виде +74951234567",
            status=422,
        )
    if not allowed(phone.e164):
        raise OperatorError(
            "number_not_allowed",
            "this number may be nobody's phone; the administrator allows numbers with "
            "phones.outside_numbers",
            "на этот номер звонить оператору нельзя: номера разрешает администратор настройкой "
            "phones.outside_numbers",
            status=403,
        )
    return PhoneSettings(mode, phone.e164)


def _is_line(text: str, length: int) -> bool:
    return bool(text.strip()) and len(text) <= length and text.isprintable()
