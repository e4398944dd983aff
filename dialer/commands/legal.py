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
from dialer.commands.common import Json, Reply, os_user, run, speech, table, use_settings
from dialer.commands.database import open_floor
from dialer.commands.toml_files import read_toml
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Legal profiles: what campaigns may do.")


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> Reply:
    """Every profile that is in force."""
    found = run(_profiles(use_settings(context)))
    rows = [(p.name, p.version, p.title.en, ", ".join(p.modes)) for p in found]
    data = [p.model_dump(mode="json") for p in found]
    return Reply(data, [table(("profile", "version", "title", "modes"), rows)])


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
    told = f"The floor's own profile is version {profile.version} now."
    data = {**profile.model_dump(mode="json"), "campaigns": [asdict(one) for one in found]}
    return Reply(data, [told, *_touched(found)])


def _touched(found: Sequence[Affected]) -> list[Any]:
    if not found:
        return ["No campaign is under it."]
    rows = []
    for one in found:
        said = [("is not dialed", told.to(speech.language)) for told in one.stops]
        said += [("does not count", told.to(speech.language)) for told in one.narrows]
        rows += [(one.campaign, one.status, *each) for each in said or [("goes on", "")]]
    return [table(("campaign", "status", "", "why"), rows)]


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
    cap, limits = profile.abandonment, profile.limits
    counted = {"in all": limits.in_all, "a day": limits.per_day, "a week": limits.per_week}
    counted["a month"] = limits.per_month
    said = [f"{count} {span}" for span, count in counted.items() if count is not None]
    return [
        ("version", f"{profile.version}, in force from {profile.in_force_from}"),
        ("title", profile.title.en),
        ("modes", ", ".join(profile.modes)),
        ("abandoned", f"{cap.max_rate:.1%} of the answered in {cap.window_s / 86400:g} days"),
        ("operator within", f"{cap.operator_within_s:g} s"),
        ("minimum ring", f"{profile.minimum_ring_s:g} s"),
        *(
            (kind, ", ".join(f"{clock_time(a)}-{clock_time(b)}" for a, b in profile.hours.on(kind)))
            for kind in ("workday", "weekend", "holiday")
        ),
        ("dials to one person", ", ".join(said) or "no limit"),
        ("consent in modes", ", ".join(profile.consent.modes) or "none"),
        ("pause after abandoned", f"{profile.after_abandoned.pause_s / 3600:g} h"),
        ("message names", ", ".join(profile.message.demanded()) or "not demanded"),
        ("register", _register(profile)),
        ("caller id", "needed" if profile.caller_id_needed else "not needed"),
        ("recording", "needed" if profile.recording_needed else "not needed"),
    ]


def _register(profile: Profile) -> str:
    register = profile.registry
    return f"{register.name}, at most {register.max_age_days} days old" if register else "none"
