"""The live table: campaign, operators and outcomes as they are now."""

from __future__ import annotations

import time
from collections import Counter

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dialer.board import Board, Campaign
from dialer.operators import OperatorState
from dialer.outcomes import Outcome
from monitoring import metrics

WIDTH = 92
STATE_STYLE = {
    OperatorState.CONNECTING: "red",
    OperatorState.READY: "green",
    OperatorState.RESERVED: "cyan",
    OperatorState.DIALING: "yellow",
    OperatorState.TALKING: "bold cyan",
    OperatorState.WRAP_UP: "magenta",
    OperatorState.PAUSED: "dim",
}


def live_table(board: Board, campaign_id: int, contacts: int, address: str) -> RenderableType:
    """One frame. `address` is where `/metrics` can be read."""
    side_by_side = Table.grid(padding=(0, 4))
    side_by_side.add_row(_operators(board), _outcomes())
    return Group(
        _campaign(board, campaign_id, contacts, address),
        side_by_side,
        Text("Ctrl-C: no new calls, conversations finish, everything is saved", style="dim"),
    )


def _campaign(board: Board, campaign_id: int, contacts: int, address: str) -> Panel:
    campaign = board.campaigns.get(campaign_id)
    name = campaign.name if campaign else ""
    dials = metrics.value("prozvon_dials_total", campaign=name)
    stages = [f"{stage} {count}" for stage, count in board.attempts_by_stage().items()]
    lines = [
        f"{dials:.0f} dials for {contacts} contacts   now: {'   '.join(stages)}",
        f"decision  {_decision(campaign)}",
        f"metrics   {address}/metrics",
    ]
    return Panel("\n".join(lines), title=f"Prozvon · {name}", title_align="left", width=WIDTH)


def _decision(campaign: Campaign | None) -> str:
    if campaign is None:
        return "not running"
    return f"{campaign.decision.calls}: {campaign.decision.reason.en}"


def _operators(board: Board) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("operator")
    table.add_column("state", min_width=11)
    for column in ("for", "dials", "talks", "line time"):
        table.add_column(column, justify="right")
    now = time.time()
    for seat in sorted(board.seats.values(), key=lambda s: s.login):
        state, login = seat.state, seat.login
        table.add_row(
            login,
            Text(state.kind.value, style=STATE_STYLE.get(state.kind, "")),
            _clock(now - state.since),
            f"{metrics.value('prozvon_operator_dials_total', operator=login):.0f}",
            f"{metrics.value('prozvon_operator_conversations_total', operator=login):.0f}",
            _clock(metrics.value("prozvon_operator_line_seconds_total", operator=login)),
        )
    return table


def _outcomes() -> Table:
    """Outcomes that occurred, the most frequent first, and how many became conversations."""
    counts = Counter(
        {o.value: int(metrics.value("prozvon_attempts_total", outcome=o.value)) for o in Outcome}
    )
    table = Table("outcome", box=box.SIMPLE_HEAD)
    table.add_column("attempts", justify="right")
    for name, count in counts.most_common():
        if count:
            table.add_row(name, str(count))
    table.add_section()
    table.add_row("conversations", f"{metrics.value('prozvon_conversations_total'):.0f}")
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
