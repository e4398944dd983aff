"""Learns the best hours of running campaigns in the background: no queue waits for it."""

from __future__ import annotations

import asyncio

import structlog

from campaigns.rules.hour_order import HourOrder
from dialer.journal import CONNECTION_ERRORS

log = structlog.get_logger(__name__)


async def learn_best_hours(order: HourOrder, every_s: float = 2.0) -> None:
    """For ever: a campaign that begins has its hours soon, and anew once an hour."""
    while True:
        try:
            learned = await order.learn()
            if learned:
                log.info("best_hours_learned", campaigns=learned)
        except CONNECTION_ERRORS as error:
            log.warning("best_hours_not_learned", error=repr(error))
        await asyncio.sleep(every_s)
