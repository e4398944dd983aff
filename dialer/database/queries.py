"""SQL lives in files, named: Python asks for a query by its name.

A file holds any number of queries, each with a name and one line of purpose:

    -- name: claim_leads
    -- Take leads that are due, at most $2, and lock them for this controller.
    SELECT ...;
"""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

NAME_LINE = re.compile(r"^--[ \t]*name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class QueriesError(ValueError):
    """A file of named queries is wrong; the message names the file and the line."""


class Queries(Mapping[str, str]):
    """The named queries of one file, as `queries.claim_leads` or `queries["claim_leads"]`."""

    def __init__(self, source: str, queries: Mapping[str, str]) -> None:
        self._source = source
        self._queries = dict(queries)

    @classmethod
    def load(cls, place: str | Path, file: str = "queries.sql") -> "Queries":
        """Read `file` of the package named `place`, or the file at the path `place`.

        Raises QueriesError for a missing file, a bad or repeated name, a query without a
        purpose line or without SQL.
        """
        source = str(place) if isinstance(place, Path) else f"{place}/{file}"
        try:
            found = place if isinstance(place, Path) else resources.files(place) / file
            return cls.parse(found.read_text(encoding="utf-8"), source)
        except (OSError, ModuleNotFoundError, UnicodeDecodeError) as error:
            raise QueriesError(f"The queries in {source} cannot be read: {error}") from error

    @classmethod
    def parse(cls, text: str, source: str) -> "Queries":
        """Read queries out of `text`; `source` is what errors call it."""
        queries: dict[str, str] = {}
        for line, name, body in _blocks(text):
            where = f"{source}, line {line}"
            if not name.isidentifier():
                raise QueriesError(f"{where}: {name!r} is no name for a query (use a_snake_name).")
            if name in queries:
                raise QueriesError(f"{where}: there are two queries named {name}; rename one.")
            queries[name] = _statement(name, body, where)
        return cls(source, queries)

    def __getitem__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise KeyError(f"{self._source} has no query named {name}") from None

    def __getattr__(self, name: str) -> str:
        # Reached only for what is no real attribute; `_queries` itself would recurse in a copy.
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, name, text up to the next name) of each query."""
    heads = list(NAME_LINE.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=True):
        yield text.count("\n", 0, head.start()) + 1, head.group(1), text[head.end() : end]


def _statement(name: str, body: str, where: str) -> str:
    purpose, _, sql = body.strip().partition("\n")
    if not purpose.startswith("--") or not purpose.strip("- \t"):
        raise QueriesError(f"{where}: {name} needs a line `-- what it is for` below its name.")
    sql = sql.strip().removesuffix(";").rstrip()
    if not sql:
        raise QueriesError(f"{where}: {name} has no SQL.")
    # The name is sent along, so pg_stat_activity and the server's log say which query it is.
    return f"/* {name} */ {sql}"
