"""A request that cannot be carried out, said the same way by API and commands."""

from __future__ import annotations


class Refusal(Exception):
    """`id` is stable, `status` the HTTP status; the text says what to do."""

    def __init__(self, id: str, status: int, text: str) -> None:
        super().__init__(text)
        self.id, self.status = id, status
