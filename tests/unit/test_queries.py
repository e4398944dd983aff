"""The loader of named SQL files."""

import copy
from pathlib import Path

import pytest

from dialer.database.queries import Queries, QueriesError

TWO = """\
-- Everything about leads.

-- name: claim_leads
-- Take leads that are due.
SELECT id -- the key
FROM lead WHERE name = ';';

-- name: count_leads
-- How many there are.
SELECT count(*) FROM lead
"""


def test_queries_are_read_by_name() -> None:
    queries = Queries.parse(TWO, "leads.sql")
    assert list(queries) == ["claim_leads", "count_leads"]
    assert queries.count_leads == queries["count_leads"]
    assert queries["claim_leads"].endswith("SELECT id -- the key\nFROM lead WHERE name = ';'")


def test_the_server_is_told_the_name() -> None:
    assert Queries.parse(TWO, "leads.sql").count_leads.startswith("/* count_leads */ ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: a\n-- One.\nSELECT 1;\n-- name: a\n-- Two.\nSELECT 2;", "line 4: there are two"),
        ("-- name: a\nSELECT 1;", "line 1: a needs a line"),
        ("-- name: a\n--\nSELECT 1;", "needs a line"),
        ("-- name: a\n-- One.\n", "has no SQL"),
        ("-- name: a\n-- One.\n;", "has no SQL"),
        ("\n-- name: two words\n-- One.\nSELECT 1;", "line 2: 'two words' is no name"),
        ("-- name:\n-- One.\nSELECT 1;", "is no name"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(QueriesError, match=complaint) as error:
        Queries.parse(text, "leads.sql")
    assert "leads.sql" in str(error.value)


def test_an_unknown_name_says_which_file_lacks_it() -> None:
    queries = Queries.parse(TWO, "leads.sql")
    with pytest.raises(KeyError, match=r"leads\.sql has no query named absent"):
        queries["absent"]
    with pytest.raises(AttributeError, match=r"leads\.sql has no query named absent"):
        _ = queries.absent


def test_queries_can_be_copied() -> None:
    queries = Queries.parse(TWO, "leads.sql")
    assert dict(copy.deepcopy(queries)) == dict(queries)


def test_a_file_is_found_by_path_and_by_package(tmp_path: Path) -> None:
    file = tmp_path / "leads.sql"
    file.write_text(TWO)
    assert len(Queries.load(file)) == 2
    assert "lock" in Queries.load("dialer.database", "migrate.sql")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueriesError, match=r"absent\.sql cannot be read"):
        Queries.load(tmp_path / "absent.sql")
    with pytest.raises(QueriesError, match=r"no_such_package"):
        Queries.load("no_such_package")
