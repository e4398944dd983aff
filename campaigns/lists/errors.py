"""PURE. Why a list cannot be imported, shown or exported as asked."""

from __future__ import annotations

from campaigns.lists.reasons import said
from campaigns.refusals import Refusal, Sentence

BAD_REQUEST = 422


class ListError(Refusal):
    """A list cannot be imported, shown or exported as asked.

    `id` is one of `reasons.REFUSALS`, which has the sentences that `values` go into.
    """

    def __init__(self, id: str, **values: object) -> None:
        self.values = values
        sentence = said(id, **values)
        super().__init__(id, sentence.en, sentence.ru, status=BAD_REQUEST)


class ListFileError(ListError):
    """The whole file cannot be imported; the sentence says where and what to do.

    `line` and `column` count from 1, None where the place is the file.
    """

    def __init__(
        self,
        id: str,
        *,
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        **values: object,
    ) -> None:
        super().__init__(id, **values)
        self.file, self.line, self.column = file, line, column
        self.sentence = Sentence(self._placed("en"), self._placed("ru"))
        self.args = (self.sentence.en,)

    def of(self, file: str) -> ListFileError:
        """The same about a file with a name."""
        return ListFileError(self.id, file=file, line=self.line, column=self.column, **self.values)

    def _placed(self, language: str) -> str:
        line, column = ("строка", "позиция") if language == "ru" else ("line", "column")
        place = [self.file] if self.file else []
        place += [f"{line} {self.line}"] if self.line is not None else []
        place += [f"{column} {self.column}"] if self.column is not None else []
        sentence = self.sentence.to(language)
        return f"{', '.join(place)}: {sentence}" if place else sentence
