"""`prozvon person`: what is known of a person, given or erased on request."""

from __future__ import annotations

from typing import Annotated

import typer

from campaigns.person.model import Erased, Known, Who
from campaigns.person.service import PersonService
from dialer.commands.common import CommandError, Json, Reply, os_user, run, say, table, use_settings
from dialer.commands.database import Floor, open_floor
from dialer.config import Settings

app = typer.Typer(no_args_is_help=True, help="Personal data on request: export, erase.")

Number = Annotated[str | None, typer.Argument(help="The person's number.")]
Contact = Annotated[int | None, typer.Option("--contact", help="Instead: one contact by its id.")]


@app.command("export")
def export(
    context: typer.Context, number: Number = None, contact: Contact = None, as_json: Json = False
) -> Reply:
    """All that is known of a person; with --json the document to hand over. It is audited."""
    settings = use_settings(context)
    known = run(_export(settings, Who(number, contact)))
    rows = [(part, len(found)) for part, found in known.items()]
    return Reply(
        _plain(known),
        [table((say("what is known", "что известно"), say("count", "сколько")), rows)],
    )


async def _export(settings: Settings, who: Who) -> Known:
    async with open_floor(settings) as floor:
        return await _service(floor).export(who, os_user())


@app.command("erase")
def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    number: Number = None,
    contact: Contact = None,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, for good; else it is refused.")] = False,
    as_json: Json = False,
) -> Reply:
    """Forget a person for good: names, answers, notes, recordings; never dialed again."""
    settings = use_settings(context)
    if not yes:
        raise CommandError(
            "not_confirmed",
            "nothing brings erased data back; look with person export, then add --yes",
            "стёртое не вернуть; посмотрите person export, затем добавьте --yes",
        )
    done = run(_erase(settings, Who(number, contact), reason))
    told = say(
        f"Erased: {done.contacts} contacts, {done.attempts} calls without a name now, "
        f"{done.recordings} recordings deleted, {done.forbidden} numbers on do-not-call.",
        f"Стёрто: контактов {done.contacts}, звонков без имени теперь {done.attempts}, удалено "
        f"записей {done.recordings}, номеров в списке запрета {done.forbidden}.",
    )
    return Reply(done, [told])


async def _erase(settings: Settings, who: Who, reason: str) -> Erased:
    async with open_floor(settings) as floor:
        return await _service(floor).erase(who, os_user(), reason)


def _service(floor: Floor) -> PersonService:
    return PersonService(floor.pool, floor.floor_id, floor.settings.floor.phone_region)


def _plain(known: Known) -> object:
    return dict(known)
