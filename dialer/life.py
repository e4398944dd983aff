"""The running controller's hand on campaigns: schedule and goals, also after a time of rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from campaigns.life.service import LifeService
from dialer.board import Board
from dialer.journal import CONNECTION_ERRORS


class Life:
    """Does what schedules and goals ask for, and keeps the board's `GoalRoom`s counted."""

    def __init__(self, board: Board, service: LifeService, clock: Callable[[], float]) -> None:
        self._board, self._service, self._clock = board, service, clock

    async def watch(self, every_s: float = 0.5) -> None:
        """For ever. Without a database nothing is dialed, and what is due is done afterwards."""
        while True:
            try:
                if not self._board.draining:
                    await self.step()
            except CONNECTION_ERRORS as error:
                self._board.database_error = repr(error)
            await asyncio.sleep(every_s)

    async def step(self) -> None:
        """One look."""
        await self.count()
        now = datetime.fromtimestamp(self._clock(), UTC)
        await self._service.turn(now, tuple(self._board.trunks))

    async def count(self) -> None:
        """What goals of numbers leave to each campaign on the board."""
        marks = {campaign.id: campaign.goal.mark() for campaign in self._board.campaigns.values()}
        rooms = {room.campaign_id: room for room in await self._service.rooms()}
        for id, mark in marks.items():
            campaign = self._board.campaigns[id]
            if id in rooms:
                campaign.goal.count(rooms[id].left, rooms[id].open, mark)
            elif campaign.running:
                campaign.goal.count(None, (), mark)
