"""`prozvon operator`: staff, and what an operator's desk can ask for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from campaigns.operators.model import (
    NewOperator,
    PhoneLogin,
    PhoneSettings,
    StaffMember,
    check_phone,
)
from campaigns.operators.service import OperatorService
from campaigns.refusals import Sentence
from dialer.asterisk.phones import PhoneKind
from dialer.commands import by_hand, desk
from dialer.commands.common import (
    CommandError,
    Json,
    Reply,
    os_user,
    pairs,
    run,
    say,
    table,
    use_settings,
    word,
)
from dialer.commands.database import open_floor
from dialer.commands.late import Late, late_group
from dialer.commands.moments import moment
from dialer.commands.node import NODE_ERRORS, node_phones
from dialer.config import Settings
from dialer.node import outside_rules, phone_address, sip_server

app = typer.Typer(
    cls=late_group(
        {
            "skills": Late(
                "pacing:skills", "Set an operator's skills; in force from the next sign-in."
            )
        }
    ),
    no_args_is_help=True,
    help="Staff, and what an operator's desk can ask for.",
)
by_hand.add_to(app)

Login = Annotated[str, typer.Argument(help="Staff code: a-z, 0-9, _ and -.")]
ROLES = {
    "operator": Sentence("operator", "оператор"),
    "supervisor": Sentence("supervisor", "супервизор"),
}
STAGES = {
    "cold_call": Sentence("cold_call", "холодный звонок"),
    "sale": Sentence("sale", "продажа"),
    "key_account": Sentence("key_account", "ключевой клиент"),
    "support": Sentence("support", "поддержка"),
}
AFTER_CALL = {
    "sign_out": Sentence("sign_out", "конец смены"),
    "pause": Sentence("pause", "перерыв"),
}
PHONES = {"browser": Sentence("browser", "браузер")}
Role = Literal["operator", "supervisor"]
Stage = Literal["cold_call", "sale", "key_account", "support"]
PhoneMode = Annotated[
    Literal["nailed_up", "ring_per_call"],
    typer.Option(help="On the line for the whole shift, or rung for each call."),
]
PhoneNumber = Annotated[
    str, typer.Option(help="An outside number that is called over a trunk; empty: SIP or browser.")
]


@app.command("add")
def add(
    context: typer.Context,
    login: Login,
    name: Annotated[str, typer.Option(help="Full name, for reports.")],
    stage: Annotated[Stage, typer.Option(help="Where in the sale this person works.")] = (
        "cold_call"
    ),
    skill: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    phone_mode: PhoneMode = "nailed_up",
    phone_number: PhoneNumber = "",
    as_json: Json = False,
) -> Reply:
    """Add an operator and make the phone's login; its password is shown once."""
    settings, new = use_settings(context), NewOperator(login, name, stage, tuple(skill or ()))
    called = _phone_settings(settings, phone_mode, phone_number)
    return run(_add(settings, new, called))


def _phone_settings(settings: Settings, mode: str, number: str) -> PhoneSettings:
    rules = outside_rules(settings)
    return check_phone(mode, number, settings.floor.phone_region, rules.allow)


async def _add(settings: Settings, new: NewOperator, called: PhoneSettings) -> Reply:
    async with open_floor(settings) as floor:
        service = OperatorService(floor.pool, floor.floor_id)
        phone = await service.add(new, os_user())
        if called != PhoneSettings("nailed_up", None):
            await service.set_phone(new.login, called, os_user())
    problem = await _push(settings, new.login, phone)
    where = {"server": sip_server(settings), "port": settings.asterisk.sip_port}
    data = {**asdict(new), "phone": {**asdict(phone), **where}, "provisioned": not problem}
    if problem:
        data["note"] = say(
            f"{problem}; the phone will be provisioned when `prozvon serve` starts",
            f"{problem}; телефон будет настроен при запуске `prozvon serve`",
        )
    return Reply(data, _added(data))


async def _push(settings: Settings, login: str, phone: PhoneLogin) -> str:
    """Makes the phone work at once; "" or why that has to wait."""
    try:
        async with node_phones(settings) as phones:
            await phones.add(login, ha1=phone.ha1)
    except NODE_ERRORS as error:
        return str(error).rstrip(".")
    return ""


def _added(data: dict[str, Any]) -> list[Any]:
    phone = data["phone"]
    lines = [
        (say("login", "логин"), data["login"]),
        (say("SIP login", "логин SIP"), phone["username"]),
    ]
    lines += [(say("SIP password", "пароль SIP"), phone["password"])]
    lines += [(say("server", "сервер"), f"{phone['server']}:{phone['port']} (UDP)")]
    note = data.get("note") or say(
        "The phone can register now.", "Телефон уже может регистрироваться."
    )
    return [
        table((say("operator added", "оператор добавлен"), ""), lines),
        say(
            "The password is not kept and cannot be shown again.",
            "Пароль не хранится и второй раз показан не будет.",
        ),
        note,
    ]


@app.command("list")
def show_staff(context: typer.Context, as_json: Json = False) -> Reply:
    """Everybody on the staff."""
    staff = run(_staff(use_settings(context)))
    rows = [
        (
            s.login,
            s.full_name,
            word(ROLES, s.role),
            word(STAGES, s.stage),
            s.team,
            ", ".join(s.skills),
            _phone(s),
            s.signed_in_at,
        )
        for s in staff
    ]
    columns = (
        say("login", "логин"),
        say("name", "имя"),
        say("role", "роль"),
        say("stage", "этап"),
        say("team", "команда"),
        say("skills", "навыки"),
        say("phone", "телефон"),
        say("signed in (UTC)", "на смене с (UTC)"),
    )
    none = say("No operators yet.", "Операторов пока нет.")
    return Reply(staff, [table(columns, rows) if rows else none])


def _phone(member: StaffMember) -> str:
    """Such as `sip`, `browser, ring_per_call`, `+7495•••••67`."""
    on_call = say(member.phone_mode, "звонит на каждый разговор")
    mode = "" if member.phone_mode == "nailed_up" else f", {on_call}"
    return f"{member.phone_number or word(PHONES, member.phone_kind)}{mode}"


@app.command("edit")
def edit(
    context: typer.Context,
    login: Login,
    phone_mode: Annotated[
        Literal["nailed_up", "ring_per_call"] | None,
        typer.Option(help="On the line for the whole shift, or rung for each call."),
    ] = None,
    phone_number: Annotated[
        str | None,
        typer.Option(help="An outside number that is called over a trunk; '': SIP or browser."),
    ] = None,
    as_json: Json = False,
) -> Reply:
    """Change how somebody's phone is called, from their next sign-in on."""
    if phone_mode is None and phone_number is None:
        raise CommandError(
            "nothing_to_change",
            "give --phone-mode, --phone-number or both",
            "укажите --phone-mode, --phone-number или оба",
        )
    return run(_edit(use_settings(context), login, phone_mode, phone_number))


async def _edit(settings: Settings, login: str, mode: str | None, number: str | None) -> Reply:
    async with open_floor(settings) as floor:
        service = OperatorService(floor.pool, floor.floor_id)
        now = await service.phone(login)
        kept = now.number or "" if number is None else number
        wanted = _phone_settings(settings, mode or now.mode, kept)
        signed_in = await service.set_phone(login, wanted, os_user())
        member = next(m for m in await service.staff() if m.login == login)
    note = say(
        f"{login} is signed in: it holds from the next sign-in on.",
        f"{login} на смене: изменение подействует со следующего входа.",
    )
    later = [note] if signed_in else []
    data = {**asdict(member), "from_next_sign_in": signed_in}
    return Reply(data, [f"{login}: {_phone(member)}", *later])


async def _staff(settings: Settings) -> list[StaffMember]:
    async with open_floor(settings) as floor:
        return await OperatorService(floor.pool, floor.floor_id).staff()


@app.command("remove")
def remove(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Take an operator and the phone off the floor; conversations and reports stay."""
    return run(_remove(use_settings(context), login))


async def _remove(settings: Settings, login: str) -> Reply:
    async with open_floor(settings) as floor:
        await OperatorService(floor.pool, floor.floor_id).remove(login, os_user())
    data: dict[str, Any] = {"login": login, "removed": True, "phone_removed": True}
    note = ""
    try:
        async with node_phones(settings) as phones:
            await phones.remove(login)
    except NODE_ERRORS as error:
        note = str(error).rstrip(".") + say(
            "; the phone will be removed when `prozvon serve` starts",
            "; телефон будет убран при запуске `prozvon serve`",
        )
        data |= {"phone_removed": False, "note": note}
    said = say(f"{login} is no operator any more.", f"{login} больше не оператор.")
    return Reply(data, [said, *([note] if note else [])])


@app.command("role")
def role(
    context: typer.Context,
    login: Login,
    role: Annotated[Role, typer.Argument(help="What this person may do.")],
    as_json: Json = False,
) -> Reply:
    """Make somebody a supervisor, who may listen to operators, or an operator only."""
    run(_set_role(use_settings(context), login, role))
    return Reply({"login": login, "role": role}, [f"{login}: {word(ROLES, role)}"])


async def _set_role(settings: Settings, login: str, role: str) -> None:
    async with open_floor(settings) as floor:
        await OperatorService(floor.pool, floor.floor_id).set_role(login, role, os_user())


@app.command("team")
def team(
    context: typer.Context,
    login: Login,
    team: Annotated[str, typer.Argument(help='The team, for reports; "" takes out of it.')],
    as_json: Json = False,
) -> Reply:
    """Put somebody into a team: reports are cut and narrowed by it."""
    put = run(_set_team(use_settings(context), login, team))
    return Reply(
        {"login": login, "team": put}, [f"{login}: {put or say('no team', 'без команды')}"]
    )


async def _set_team(settings: Settings, login: str, team: str) -> str:
    async with open_floor(settings) as floor:
        return await OperatorService(floor.pool, floor.floor_id).set_team(login, team, os_user())


@app.command("phone")
def phone(
    context: typer.Context,
    login: Login,
    kind: Annotated[Literal["sip", "sip_tls"], typer.Argument(help="SIP, or by TLS with SRTP.")],
    as_json: Json = False,
) -> Reply:
    """Which SIP phone somebody has; the password stays. For a browser: `browser-phone`."""
    settings, chosen = use_settings(context), PhoneKind(kind)
    if chosen is PhoneKind.SIP_TLS and not settings.phones.tls:
        raise CommandError(
            "no_tls",
            "phones.tls is off in the settings; turn it on first",
            "phones.tls в настройках выключен; сначала включите его",
        )
    note = run(_set_phone(settings, login, chosen))
    where = phone_address(settings, chosen)
    said = say(
        f"{login}: the phone registers at {where}", f"{login}: телефон регистрируется на {where}"
    )
    data = {"login": login, "kind": kind, "server": where, "provisioned": not note, "note": note}
    return Reply(data, [said, *([note] if note else [])])


async def _set_phone(settings: Settings, login: str, kind: PhoneKind) -> str:
    async with open_floor(settings) as floor:
        service = OperatorService(floor.pool, floor.floor_id)
        ha1 = await service.set_phone_kind(login, kind, os_user())
    try:
        async with node_phones(settings) as phones:
            await phones.add(login, ha1=ha1, kind=kind)
    except NODE_ERRORS as error:
        return str(error).rstrip(".") + say(
            "; the phone changes when `prozvon serve` starts",
            "; телефон изменится при запуске `prozvon serve`",
        )
    return ""


@app.command("browser-phone")
def browser_phone(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Make a link that opens the operator's phone in a browser; asks a running `serve`."""
    settings = use_settings(context)
    made = run(desk.act(settings, login, "browser-phone", {}))
    link = f"{desk.page_url(settings)}{made['link']}"
    lines = [
        link,
        say(
            f"The link works until {made['expires_at']}, and renews itself while it is open.",
            f"Ссылка действует до {made['expires_at']} и продлевается, пока открыта.",
        ),
    ]
    return Reply({**made, "link": link}, lines)


# --- asked of a running `serve`


@app.command("sign-in")
def sign_in(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """Open a shift; the operator's phone is called at once."""
    return _act(context, login, "sign-in")


@app.command("sign-out")
def sign_out(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """End the shift: now, or after the conversation and its wrap-up."""
    return _act(context, login, "sign-out")


@app.command("ready")
def ready(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """End a pause or the wrap-up."""
    return _act(context, login, "ready")


@app.command("pause")
def pause(
    context: typer.Context,
    login: Login,
    reason: Annotated[str, typer.Argument(help="Such as lunch or training.")],
    as_json: Json = False,
) -> Reply:
    """Pause: now, or after the conversation."""
    return _act(context, login, "pause", reason=reason)


@app.command("hang-up")
def hang_up(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """End the conversation; the operator's own call stays."""
    return _act(context, login, "hang-up")


@app.command("dispose")
def dispose(
    context: typer.Context,
    login: Login,
    code: Annotated[str, typer.Argument(help="The disposition, such as agreed or refused.")],
    note: Annotated[str, typer.Option(help="What to remember.")] = "",
    answer: Annotated[
        list[str] | None, typer.Option(help="FIELD=VALUE of the form; may be given several times.")
    ] = None,
    callback_at: Annotated[
        str, typer.Option(help="When to call back: 2026-12-01T15:00, 15:00, +2h, +3d.")
    ] = "",
    callback_for: Annotated[Literal["me", "anyone"], typer.Option(help="Who calls back.")] = "me",
    as_json: Json = False,
) -> Reply:
    """Give the disposition of the present or last conversation; ends the wrap-up."""
    body: dict[str, Any] = {"code": code, "note": note, "answers": pairs(answer or ())}
    if callback_at:
        at = moment(callback_at, use_settings(context))
        body |= {"callback_at": at.isoformat(), "callback_for": callback_for}
    return _act(context, login, "dispose", **body)


@app.command("script")
def script(context: typer.Context, login: Login, as_json: Json = False) -> Reply:
    """What to say in the present or last conversation, and what may come of it."""
    path = f"/api/operators/{quote(login, safe='')}/script"
    talk = run(desk.ask(use_settings(context), "GET", path))
    steps = [(step["code"], step["text"], _answers(step["answers"])) for step in talk["script"]]
    chosen = [
        (d["hot_key"], d["code"], say(d["title_en"], d["title_ru"]), ", ".join(d["requires"]))
        for d in talk["dispositions"]
    ]
    return Reply(
        talk,
        [
            table((say("step", "шаг"), say("say", "что сказать"), say("answers", "ответы")), steps),
            table(
                (
                    say("key", "клавиша"),
                    say("disposition", "итог"),
                    say("title", "название"),
                    say("requires", "обязательно"),
                ),
                chosen,
            ),
        ],
    )


def _answers(answers: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{a['text']} → {a['to'] or a['disposition'] or say('end', 'конец')}" for a in answers
    )


def state_word(state: str) -> str:
    """An operator's state, in the reports' words."""
    from monitoring.reports.forms import STATE_TITLES  # other commands do not need reports

    return say(state, word(STATE_TITLES, state))


def _after(after_call: str) -> str:
    """What comes after the conversation: `sign_out`, `pause:lunch`."""
    kind, colon, reason = after_call.partition(":")
    return f"{word(AFTER_CALL, kind)}{colon}{reason}"


def _act(context: typer.Context, login: str, action: str, **body: Any) -> Reply:
    view = run(desk.act(use_settings(context), login, action, body))
    told = f": {state_word(view['state'])}" if "state" in view else ""
    state = told or say(" signs out", ": смена закрывается")
    after = _after(view.get("after_call") or "")
    later = say(f", then {after}", f", затем {after}") if after else ""
    return Reply(view, [f"{login}{state}{later}"])
