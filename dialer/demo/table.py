"""The live table: campaign, operators and outcomes as they are now."""

from __future__ import annotations

import time
from collections import Counter

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dialer.board import Board
from dialer.operators import OperatorState
from dialer.outcomes import Outcome
from monitoring import metrics

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
    return Group(
        _campaign(board, campaign_id, contacts, address),
        _operators(board),
        _outcomes(),
        Text("Ctrl-C: no new calls, conversations finish, everything is saved", style="dim"),
    )


def _campaign(board: Board, campaign_id: int, contacts: int, address: str) -> Panel:
    campaign = board.campaigns.get(campaign_id)
    stages = board.attempts_by_stage()
    lines = [
        f"contacts {contacts}   "
        + "   ".join(f"{stage} {count}" for stage, count in stages.items()),
        f"decision: {campaign.decision.reason if campaign else 'not running'}",
        f"metrics: {address}/metrics",
    ]
    title = f"Prozvon · {campaign.name}" if campaign else "Prozvon"
    return Panel("\n".join(lines), title=title, title_align="left")


def _operators(board: Board) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Operators", title_justify="left")
    for column in ("operator", "state", "for", "dials", "line time"):
        table.add_column(column, justify="left" if column in ("operator", "state") else "right")
    now = time.time()
    for seat in sorted(board.seats.values(), key=lambda s: s.login):
        state = seat.state
        table.add_row(
            seat.login,
            Text(state.kind.value, style=STATE_STYLE.get(state.kind, "")),
            _clock(now - state.since),
            f"{metrics.value('prozvon_operator_dials_total', operator=seat.login):.0f}",
            _clock(metrics.value("prozvon_operator_line_seconds_total", operator=seat.login)),
        )
    return table


def _outcomes() -> Table:
    counts = Counter(
        {o.value: int(metrics.value("prozvon_attempts_total", outcome=o.value)) for o in Outcome}
    )
    table = Table(box=box.SIMPLE_HEAD, title="Outcomes", title_justify="left")
    row = []
    for name, count in counts.most_common():
        table.add_column(name, justify="right")
        row.append(str(count))
    table.add_column("conversations", justify="right")
    row.append(f"{metrics.value('prozvon_conversations_total'):.0f}")
    table.add_row(*row)
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
