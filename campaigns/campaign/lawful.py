"""Settings that contradict the campaign's legal profile are refused when they are written, and a
campaign that contradicts it does not start."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from campaigns.campaign.model import CampaignError
from campaigns.legal.model import Contradiction
from campaigns.message.sounds import contradictions as without_sound
from campaigns.refusals import joined
from campaigns.rules.service import RulesService
from campaigns.rules.wider import wider
from dialer.database.pool import Pool

PROFILE = "legal_profile"
AT_THE_START = ("register_stale", "legal_message")
"""What a campaign that does not run may lack; a running one may not lose its message."""
CONCERNS = {"message": ("message", "mode", "language")}


async def check_settings(
    connection: Any, floor_id: int, campaign_id: int, changed: Collection[str]
) -> None:
    """What was written to the campaign's row in this transaction, of the keys `changed`.

    Raises CampaignError with the id of the first contradiction (`legal_mode`, `legal_hours`, ...).
    """
    rules = await _rules(connection, floor_id, campaign_id)
    policy = rules.policy
    found = [
        *(wrong for wrong in rules.contradictions if wrong.id not in AT_THE_START),
        *wider(policy.profile, policy.schedule, rules.row["limits"]),
    ]
    if rules.status == "running":
        found += [wrong for wrong in rules.contradictions if wrong.id == "legal_message"]
        found += without_sound(rules.row["message"], rules.row["language"])
    everything = PROFILE in changed
    _refuse([wrong for wrong in found if everything or _concerns(wrong, changed)], 422)


def _concerns(wrong: Contradiction, changed: Collection[str]) -> bool:
    return any(key in changed for key in CONCERNS.get(wrong.key, (wrong.key,)))


async def check_start(connection: Any, floor_id: int, campaign_id: int) -> None:
    """Raises CampaignError: it would run and dial nobody."""
    rules = await _rules(connection, floor_id, campaign_id)
    sound = without_sound(rules.row["message"], rules.row["language"])
    _refuse([*rules.contradictions, *sound], 409)


async def _rules(connection: Any, floor_id: int, campaign_id: int) -> Any:
    service = RulesService(cast(Pool, connection), floor_id)
    [found] = await service.campaigns(datetime.now(UTC), campaign_id)
    return found


def _refuse(found: list[Contradiction], status: int) -> None:
    if found:
        told = joined(wrong.sentence for wrong in found)
        raise CampaignError(found[0].id, told.en, told.ru, status=status)
