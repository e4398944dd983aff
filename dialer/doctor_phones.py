"""Can operators' outside numbers be called, as the settings are now?"""

from __future__ import annotations

from campaigns.operators.service import SQL
from dialer.config import Settings
from dialer.database.pool import Connection
from dialer.findings import Trouble
from dialer.node import outside_rules, routes_of
from dialer.routing import matching


async def check_outside_phones(settings: Settings, connection: Connection) -> str:
    """Each has to be allowed, and some trunk has to take it. Numbers are not named."""
    phones = await connection.fetch(SQL.outside_phones, settings.floor.name)
    if not phones:
        return "nobody's phone is an outside number"
    rules, routes = outside_rules(settings), routes_of(settings)
    forbidden = [row["login"] for row in phones if not rules.allow(row["phone_number"])]
    if forbidden:
        raise Trouble(
            f"phones.outside_numbers does not allow the numbers of {', '.join(forbidden)}; allow "
            "them, or change them: prozvon operator edit LOGIN --phone-number"
        )
    lost = [
        row["login"]
        for row in phones
        if not matching(routes, rules.trunks, (), row["phone_number"])
    ]
    if lost:
        raise Trouble(
            f"no trunk has a route for the numbers of {', '.join(lost)}; see phones.outside_trunks "
            "and the routes of the trunks"
        )
    return f"{len(phones)}, all allowed, and trunks have routes for them"
