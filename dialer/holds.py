"""What keeps a campaign from dialing whatever pacing says, as sentences a person can act on."""

from __future__ import annotations

import shutil
from pathlib import Path

from campaigns.campaign.modes import BROADCAST
from campaigns.refusals import Sentence
from dialer.asterisk.ami import AmiClient, AmiState
from dialer.board import Board, Campaign
from dialer.journal import Journal
from dialer.pacing import Decision

STOPPING = Sentence("stopping: no new calls", "остановка: новых вызовов нет")
FINDING_OUT = Sentence(
    "finding out what is live on the node", "выясняется, что сейчас идёт на узле"
)
NOBODY = Sentence("no operator signed in", "на смене нет операторов")


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
        self.held_back: Sentence | None = None
        """Why nothing is placed by pacing although the floor is not stopping, if so."""

    def held(self, campaign: Campaign) -> Decision | None:
        """Why nothing may be dialed whatever pacing says."""
        for limited_by, reason in (
            ("draining", STOPPING if self._board.draining else self.held_back),
            ("recovery", None if self._board.recovered else FINDING_OUT),
            ("node", self.ami_trouble()),
            ("database", self.database_trouble()),
            ("rules", campaign.forbidden),
            ("operators", self._nobody(campaign)),
            ("sound", campaign.sound_trouble),
            ("disk", self._disk_trouble() if campaign.recording else None),
        ):
            if reason is not None:
                return Decision(0, limited_by, reason)
        return None

    def _nobody(self, campaign: Campaign) -> Sentence | None:
        if campaign.mode == BROADCAST:
            return None
        if not self._board.seats:
            return NOBODY
        if campaign.skills and not any(
            campaign.skills <= s.skills for s in self._board.seats.values()
        ):
            skills = ", ".join(sorted(campaign.skills))
            return Sentence(
                f"no operator signed in who has {skills}",
                f"нет на смене оператора с навыками: {skills}",
            )
        return None

    def ami_trouble(self) -> Sentence | None:
        if self._ami.state is AmiState.READY:
            return None
        error = f"Asterisk: {self._ami.last_error or self._ami.state.value}"
        return Sentence(error, error)

    def database_trouble(self) -> Sentence | None:
        error = self._board.database_error or (
            "" if self._journal.healthy else self._journal.last_error
        )
        if not error:
            return None
        return Sentence(
            f"no answer from the database ({error})", f"база данных не отвечает ({error})"
        )

    def _disk_trouble(self) -> Sentence | None:
        folder, needed = self._recordings_dir, self.min_free_bytes
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return Sentence(
                f"recordings cannot be written to {folder}: {error.strerror}",
                f"записи нельзя сохранить в {folder}: {error.strerror}",
            )
        if free >= needed:
            return None
        return Sentence(
            f"{free >> 20} MB free for recordings in {folder}, {needed >> 20} MB needed: free some "
            "space or turn recording off",
            f"для записей в {folder} свободно {free >> 20} МБ, нужно {needed >> 20} МБ: освободите "
            "место или отключите запись",
        )
