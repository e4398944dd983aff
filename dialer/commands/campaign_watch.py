"""`prozvon campaign watch`: how a campaign stands, live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live

from campaigns.campaign.model import CampaignState
from campaigns.campaign.service import CampaignService
from dialer.commands.common import Json, Reply, run, stdout, use_settings
from dialer.commands.database import open_floor
from dialer.config import Settings

LOOK_S = 1.0
OVER = ("finished", "archived")


def watch_with(shown: Callable[[CampaignState], list[Any]]) -> Callable[..., Reply]:
    """The command; `shown` makes what people see of a state."""

    def watch(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="The campaign's name.")],
        seconds: Annotated[
            float | None, typer.Option(min=0, help="So long; default: until it is finished.")
        ] = None,
        conversations: Annotated[
            int | None, typer.Option(min=1, help="Until it has had so many conversations.")
        ] = None,
        as_json: Json = False,
    ) -> Reply:
        """How it stands, every second; with --json how it stood at the end."""
        settings = use_settings(context)
        state = run(_watched(settings, name, seconds, conversations, None if as_json else shown))
        return Reply(state, shown(state))

    return watch


async def _watched(
    settings: Settings,
    name: str,
    seconds: float | None,
    conversations: int | None,
    shown: Callable[[CampaignState], list[Any]] | None,
) -> CampaignState:
    until = None if seconds is None else time.monotonic() + seconds
    async with open_floor(settings) as floor:
        service = CampaignService(floor.pool, floor.floor_id, settings.asterisk.node)
        with Live(console=stdout(), auto_refresh=False, transient=True) as live:
            while True:
                (state,) = await service.status(name)
                if shown is not None:
                    live.update(Group(*shown(state)), refresh=True)
                enough = conversations is not None and state.conversations >= conversations
                late = until is not None and time.monotonic() >= until
                if state.status in OVER or enough or late:
                    return state
                await asyncio.sleep(LOOK_S)
