"""What keeps a campaign from dialing whatever pacing says, as sentences a person can act on."""

from __future__ import annotations

import shutil
from pathlib import Path

from campaigns.campaign.modes import BROADCAST
from dialer.asterisk.ami import AmiClient, AmiState
from dialer.board import Board, Campaign
from dialer.journal import Journal
from dialer.pacing import Decision


class Holds:
    """Of one floor."""

    def __init__(
        self,
        board: Board,
        journal: Journal,
        ami: AmiClient,
        recordings_dir: Path,
        min_free_bytes: int,
    ) -> None:
        self._board, self._journal, self._ami = board, journal, ami
        self._recordings_dir, self.min_free_bytes = recordings_dir, min_free_bytes
        self.held_back = ""
        """Why nothing is placed by pacing although the floor is not stopping, if so."""

    def held(self, campaign: Campaign) -> Decision | None:
        """Why nothing may be dialed whatever pacing says."""
        for limited_by, reason in (
            ("draining", "stopping: no new calls" if self._board.draining else self.held_back),
            ("recovery", "" if self._board.recovered else "finding out what is live on the node"),
            ("node", self.ami_trouble()),
            ("database", self.database_trouble()),
            ("rules", campaign.forbidden),
            ("operators", self._nobody(campaign)),
            ("sound", campaign.sound_trouble),
            ("disk", self._disk_trouble() if campaign.recording else ""),
        ):
            if reason:
                return Decision(0, limited_by, f"0: {reason}")
        return None

    def _nobody(self, campaign: Campaign) -> str:
        if campaign.mode == BROADCAST:
            return ""
        if not self._board.seats:
            return "no operator signed in"
        if campaign.skills and not any(
            campaign.skills <= s.skills for s in self._board.seats.values()
        ):
            return f"no operator signed in who has {', '.join(sorted(campaign.skills))}"
        return ""

    def ami_trouble(self) -> str:
        if self._ami.state is AmiState.READY:
            return ""
        return f"Asterisk: {self._ami.last_error or self._ami.state.value}"

    def database_trouble(self) -> str:
        error = self._board.database_error or (
            "" if self._journal.healthy else self._journal.last_error
        )
        return f"no answer from the database ({error})" if error else ""

    def _disk_trouble(self) -> str:
        try:
            free = shutil.disk_usage(self._recordings_dir).free
        except OSError as error:
            return f"recordings cannot be written to {self._recordings_dir}: {error.strerror}"
        if free >= self.min_free_bytes:
            return ""
        return (
            f"{free >> 20} MB free for recordings in {self._recordings_dir}, "
            f"{self.min_free_bytes >> 20} MB needed: free some space or turn recording off"
        )
