"""In which order rows of the journal are written."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from dialer.journal import Row, in_turn


def row(order: int, sql: str, key: str | None, number: int) -> Row:
    return Row(order, sql, (number,), key)


many = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["begin", "end", "note"]),
        st.sampled_from([None, *"abc"]),
    ),
    max_size=30,
).map(lambda parts: [row(*part, number) for number, part in enumerate(parts)])


@given(many)
def test_orders_are_kept_and_so_is_the_turn_of_each_key(rows: list[Row]) -> None:
    turn = in_turn(rows)

    assert sorted(turn, key=lambda r: r.values) == rows
    assert [r.order for r in turn] == sorted(r.order for r in rows)
    for one in {(r.order, r.key) for r in rows}:
        assert [r for r in turn if (r.order, r.key) == one] == [
            r for r in rows if (r.order, r.key) == one
        ]


def test_the_same_statements_of_many_attempts_come_together() -> None:
    rows = [
        row(4, sql, attempt, number)
        for number, (attempt, sql) in enumerate(
            (attempt, sql) for attempt in "abcd" for sql in ("bridged", "part_began")
        )
    ]
    statements = [(sql, len(list(same))) for sql, same in groupby(in_turn(rows), lambda r: r.sql)]
    assert statements == [("bridged", 4), ("part_began", 4)]
