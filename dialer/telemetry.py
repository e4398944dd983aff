"""What is read from the running process when Prometheus asks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from dialer.asterisk.ami import AmiClient, AmiState
from dialer.board import Board
from dialer.database.pool import Pool
from dialer.journal import Journal
from dialer.line_time import LineTime
from monitoring import metrics


class Telemetry:
    """Brings gauges and running times up to now, for one floor."""

    def __init__(
        self,
        board: Board,
        line_time: LineTime,
        ami: AmiClient,
        journal: Journal,
        pool: Pool,
        clock: Callable[[], float],
        *,
        recordings_dir: Path,
        min_free_bytes: int,
    ) -> None:
        self._board, self._line_time = board, line_time
        self._ami, self._journal, self._pool, self._clock = ami, journal, pool, clock
        self._recordings_dir, self._min_free_bytes = recordings_dir, min_free_bytes

    def line_time_up_to_now(self) -> None:
        self._line_time.up_to(self._clock())

    def collect(self, agi_sessions: int) -> Iterator[None]:
        """Called for every scrape. In steps of a few milliseconds; between them others may work."""
        yield from self._line_time.steps(self._clock())
        board = self._board
        metrics.floor_now(board.operators_by_state(), board.attempts_by_stage())
        for trunk in board.trunks.values():
            up, breaker_open = not trunk.link.trouble(), trunk.breaker.open
            metrics.trunk_now(trunk.name, trunk.used, trunk.lines, breaker_open=breaker_open, up=up)
        yield
        yield from metrics.campaigns_now(self._campaigns())
        yield
        metrics.process_now(
            ami_up=self._ami.state is AmiState.READY,
            reconnects=self._ami.reconnects,
            agi_sessions=agi_sessions,
            journal=len(self._journal),
            pool_size=self._pool.get_size(),
            idle=self._pool.get_idle_size(),
        )
        metrics.storage_now(
            database_up=self._journal.healthy and not board.database_error,
            journal_oldest_s=self._journal.oldest_s,
            disk_free=_free_bytes(self._recordings_dir),
            disk_needed=self._min_free_bytes,
        )

    def _campaigns(self) -> Iterator[metrics.CampaignNow]:
        now = self._clock()
        for campaign in list(self._board.campaigns.values()):
            if campaign.running:
                ledger = campaign.engine.ledger
                answered, abandoned = ledger.totals(now)
                yield metrics.CampaignNow(
                    campaign.name,
                    campaign.mode,
                    answered,
                    abandoned,
                    ledger.max_rate,
                    campaign.engine.odd_inputs,
                )


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
