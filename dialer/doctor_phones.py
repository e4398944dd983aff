"""Can operators' outside numbers be called, as the settings are now?"""

from __future__ import annotations

from campaigns.operators.service import SQL
from campaigns.refusals import Sentence
from dialer.config import Settings
from dialer.database.pool import Connection
from dialer.findings import Trouble
from dialer.node import outside_rules, routes_of
from dialer.routing import matching


async def check_outside_phones(settings: Settings, connection: Connection) -> Sentence:
    """Each has to be allowed, and some trunk has to take it. Numbers are not named."""
    phones = await connection.fetch(SQL.outside_phones, settings.floor.name)
    if not phones:
        return Sentence("nobody's phone is an outside number", "внешних номеров ни у кого нет")
    rules, routes = outside_rules(settings), routes_of(settings)
    forbidden = [row["login"] for row in phones if not rules.allow(row["phone_number"])]
    if forbidden:
        raise Trouble(
            f"phones.outside_numbers does not allow the numbers of {', '.join(forbidden)}; allow "
            "them, or change them: prozvon operator edit LOGIN --phone-number",
            f"phones.outside_numbers не разрешает номера операторов {', '.join(forbidden)}; "
            "разрешите их или смените: prozvon operator edit ЛОГИН --phone-number",
        )
    lost = [
        row["login"]
        for row in phones
        if not matching(routes, rules.trunks, (), row["phone_number"])
    ]
    if lost:
        raise Trouble(
            f"no trunk has a route for the numbers of {', '.join(lost)}; see phones.outside_trunks "
            "and the routes of the trunks",
            f"ни у одного транка нет маршрута для номеров операторов {', '.join(lost)}; см. "
            "phones.outside_trunks и маршруты транков",
        )
    return Sentence(
        f"{len(phones)}, all allowed, and trunks have routes for them",
        f"{len(phones)}, все разрешены, и у транков есть для них маршруты",
    )
