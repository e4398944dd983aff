"""Identifiers carry their time and sort by it."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from dialer.ids import new_id

seconds = st.floats(0, 2**48 / 1000 - 1)


@given(seconds)
def test_an_id_is_a_uuid_of_version_7_with_its_milliseconds(now: float) -> None:
    made = new_id(now)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(now * 1000)
    assert UUID(str(made)) == made


@given(seconds, seconds)
def test_ids_sort_by_time(one: float, other: float) -> None:
    if int(one * 1000) < int(other * 1000):
        assert new_id(one) < new_id(other)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id(1_790_000_000.0) for _ in range(10_000)}) == 10_000
