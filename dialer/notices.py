"""PURE. What an operator's screen says beside the state, in both languages."""

from __future__ import annotations

from campaigns.refusals import Sentence
from dialer.operators import HUNG_UP, NO_ANSWER, NO_LINE, Connecting, Paused, Seat, Summoned

NOTHING = Sentence("", "")
RINGS = Sentence(
    "Your phone rings: pick it up, then the call is dialed",
    "Звонит ваш телефон: снимите трубку, и номер будет набран",
)
CONNECTS = Sentence(
    "Your phone is being called: pick it up and stay on the line",
    "Вызываем ваш телефон: снимите трубку и оставайтесь на линии",
)
PAUSES = {
    NO_ANSWER: Sentence(
        "Your phone was called and not answered, so you get no calls. Check the phone, then press "
        "Ready",
        "Ваш телефон не ответил, поэтому звонков вы не получаете. Проверьте телефон и нажмите "
        "«Готов»",
    ),
    HUNG_UP: Sentence(
        "You hung up before the person was there, so you get no calls. Press Ready to go on",
        "Вы положили трубку до соединения с человеком, поэтому звонков вы не получаете. Нажмите "
        "«Готов», чтобы продолжить",
    ),
    NO_LINE: Sentence(
        "Your outside number cannot be called: the settings do not allow it, or no trunk has a "
        "route for it. Tell the administrator",
        "На ваш внешний номер позвонить нельзя: он не разрешён в настройках, или для него нет "
        "маршрута. Обратитесь к администратору",
    ),
}


def notice(seat: Seat) -> Sentence:
    """What the operator should know now; empty sentences for nothing."""
    state = seat.state
    if isinstance(state, Paused):
        return PAUSES.get(state.reason, NOTHING)
    if isinstance(state, Summoned):
        return RINGS
    return CONNECTS if isinstance(state, Connecting) else NOTHING
