"""`prozvon legal`: which legal profiles there are, what they say, and the floor's own one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from campaigns.legal.model import Profile, clock_time
from campaigns.legal.service import LegalService
from campaigns.rules.affected import Affected, affected
from dialer.commands.common import Json, Reply, os_user, run, say, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.toml_files import read_toml
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Legal profiles: what campaigns may do.")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> Reply:
    """Every profile that is in force."""
    found = run(_profiles(use_settings(context)))
    rows = [(p.name, p.version, say(p.title.en, p.title.ru), ", ".join(p.modes)) for p in found]
    data = [p.model_dump(mode="json") for p in found]
    return Reply(data, [table(_titles(), rows)])


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="us, uk, ru_advertising, ru_debt or own.")],
    as_json: Json = False,
) -> Reply:
    """What a profile allows and demands."""
    profile = run(_profile(use_settings(context), name))
    return Reply(profile.model_dump(mode="json"), [table((profile.name, ""), _rows(profile))])


@app.command("define")
def define(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML with the keys that `legal show` prints.")],
    as_json: Json = False,
) -> Reply:
    """Define the floor's own profile: a new version, for the next dial."""
    settings = use_settings(context)
    document = read_toml(file, "bad_profile")
    profile, found = run(_define(settings, document))
    told = say(
        f"The floor's own profile is version {profile.version} now.",
        f"Свой профиль площадки: теперь версия {profile.version}.",
    )
    data = {**profile.model_dump(mode="json"), "campaigns": [asdict(one) for one in found]}
    return Reply(data, [told, *_touched(found)])


def _touched(found: Sequence[Affected]) -> list[Any]:
    if not found:
        return [say("No campaign is under it.", "Кампаний под ним нет.")]
    rows = []
    for one in found:
        stops, narrows = (
            say("is not dialed", "не набирается"),
            say("does not count", "не действует"),
        )
        said = [(stops, told.to(speech.language)) for told in one.stops]
        said += [(narrows, told.to(speech.language)) for told in one.narrows]
        rows += [
            (one.campaign, one.status, *each) for each in said or [(say("goes on", "идёт"), "")]
        ]
    return [
        table(
            (say("campaign", "кампания"), say("status", "состояние"), "", say("why", "почему")),
            rows,
        )
    ]


def _titles() -> tuple[str, ...]:
    return (
        say("profile", "профиль"),
        say("version", "версия"),
        say("title", "название"),
        say("modes", "режимы"),
    )


async def _profiles(settings: Settings) -> list[Profile]:
    async with open_floor(settings) as floor:
        return list((await LegalService(floor.pool, floor.floor_id).profiles()).values())


async def _profile(settings: Settings, name: str) -> Profile:
    async with open_floor(settings) as floor:
        return await LegalService(floor.pool, floor.floor_id).profile(name)


async def _define(settings: Settings, document: dict[str, Any]) -> tuple[Profile, list[Affected]]:
    async with open_floor(settings) as floor:
        profile = await LegalService(floor.pool, floor.floor_id).define(document, os_user())
        return profile, await affected(floor.pool, floor.floor_id, profile.name)


def _rows(profile: Profile) -> list[tuple[str, str]]:
    cap, register = profile.abandonment, profile.registry
    none = say("none", "нет")
    needed, free = say("needed", "нужен"), say("not needed", "не нужен")
    return [
        (
            say("version", "версия"),
            say(
                f"{profile.version}, in force from {profile.in_force_from}",
                f"{profile.version}, действует с {profile.in_force_from}",
            ),
        ),
        (say("title", "название"), say(profile.title.en, profile.title.ru)),
        (say("modes", "режимы"), ", ".join(profile.modes)),
        (
            say("abandoned", "брошено"),
            say(
                f"{cap.max_rate:.1%} of the answered in {cap.window_s / 86400:g} days",
                f"{cap.max_rate:.1%} ответивших за {cap.window_s / 86400:g} дн.",
            ),
        ),
        (say("operator within", "оператор за"), _seconds(cap.operator_within_s)),
        (say("minimum ring", "звонить не меньше"), _seconds(profile.minimum_ring_s)),
        *_hours(profile),
        (say("dials to one person", "наборов одному человеку"), _limits(profile)),
        (say("consent in modes", "согласие в режимах"), ", ".join(profile.consent.modes) or none),
        (
            say("pause after abandoned", "пауза после брошенного"),
            f"{profile.after_abandoned.pause_s / 3600:g} {say('h', 'ч')}",
        ),
        (
            say("message names", "сообщение называет"),
            ", ".join(profile.message.demanded()) or say("not demanded", "не требуется"),
        ),
        (
            say("register", "реестр"),
            say(
                f"{register.name}, at most {register.max_age_days} days old",
                f"{register.name}, не старше {register.max_age_days} дн.",
            )
            if register
            else none,
        ),
        (say("caller id", "номер звонящего"), needed if profile.caller_id_needed else free),
        (
            say("recording", "запись"),
            say("needed", "нужна") if profile.recording_needed else say("not needed", "не нужна"),
        ),
    ]


def _hours(profile: Profile) -> list[tuple[str, str]]:
    days = {
        "workday": say("workday", "рабочий день"),
        "weekend": say("weekend", "выходной"),
        "holiday": say("holiday", "праздник"),
    }
    return [
        (
            told,
            ", ".join(f"{clock_time(a)}-{clock_time(b)}" for a, b in profile.hours.on(kind)),
        )
        for kind, told in days.items()
    ]


def _limits(profile: Profile) -> str:
    limits = profile.limits
    counted = {
        say("in all", "всего"): limits.in_all,
        say("a day", "в день"): limits.per_day,
        say("a week", "в неделю"): limits.per_week,
        say("a month", "в месяц"): limits.per_month,
    }
    said = [f"{count} {span}" for span, count in counted.items() if count is not None]
    return ", ".join(said) or say("no limit", "без предела")


def _seconds(amount: float) -> str:
    return f"{amount:g} {say('s', 'с')}"
