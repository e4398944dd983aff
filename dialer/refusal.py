"""A request that cannot be carried out now, said the same way by API and commands."""

from __future__ import annotations

from campaigns import refusals


class Refusal(refusals.Refusal):
    """`id` is stable, `status` the HTTP status; the texts say what to do."""

    def __init__(self, id: str, status: int, text: str, ru: str = "") -> None:
        super().__init__(id, text, ru, status=status)


def not_up() -> Refusal:
    """What is asked of a floor that is still starting."""
    return Refusal(
        "starting",
        503,
        "the floor is not up yet; see /readyz",
        "площадка ещё не поднялась; см. /readyz",
    )
