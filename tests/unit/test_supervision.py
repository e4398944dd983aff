"""Who may speak on an operator's line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.ids import new_id
from monitoring.supervision.model import Mode, Session, SupervisionError, check_voice, mode_of

LOGINS = ("anna", "boris", "vera")
steps = st.lists(
    st.tuples(
        st.sampled_from(("olga", "pavel", "rita")), st.sampled_from(LOGINS), st.sampled_from(Mode)
    )
)


def session(supervisor: str, operator: str, mode: Mode) -> Session:
    return Session(new_id(0.0), 1, supervisor, 2, operator, mode, 0.0)


@given(steps)
def test_at_most_one_supervisor_ever_speaks_to_an_operator(
    steps: list[tuple[str, str, Mode]],
) -> None:
    sessions: dict[str, Session] = {}
    for supervisor, operator, mode in steps:
        try:
            check_voice(sessions.values(), operator, supervisor, mode)
        except SupervisionError as error:
            assert error.id == "line_taken"
            assert mode is not Mode.LISTEN
            continue
        sessions[supervisor] = session(supervisor, operator, mode)
        for login in LOGINS:
            loud = [
                s for s in sessions.values() if s.operator == login and s.mode is not Mode.LISTEN
            ]
            assert len(loud) <= 1


def test_the_refusal_names_who_speaks() -> None:
    taken = [session("olga", "anna", Mode.BARGE)]
    with pytest.raises(SupervisionError, match="olga is in the call of anna already"):
        check_voice(taken, "anna", "pavel", Mode.WHISPER)
    check_voice(taken, "anna", "olga", Mode.WHISPER)
    check_voice(taken, "boris", "pavel", Mode.BARGE)
    with pytest.raises(SupervisionError, match="listen, whisper, barge"):
        mode_of("spy")
