"""PURE. Why a list cannot be imported or shown as asked."""

from __future__ import annotations


class ListError(ValueError):
    """A list cannot be imported or shown as asked; the message says what to do."""


class ListFileError(ListError):
    """The whole file cannot be imported; the message says where and what to do.

    `line` and `column` count from 1, None where the place is the file.
    """

    def __init__(
        self, sentence: str, *, file: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        place = [file] if file else []
        place += [f"line {line}"] if line is not None else []
        place += [f"column {column}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {sentence}" if place else sentence)
        self.sentence = sentence
        self.file = file
        self.line = line
        self.column = column
