"""Where a person can be in a conversation: whatever is asked, somebody or music is heard."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialer.talk.model import (
    AnyTalk,
    Consulting,
    Hears,
    Held,
    Joining,
    Leaving,
    Third,
    ThreeWay,
    Waiting,
    Why,
    WithThird,
    held,
    joining,
    leaving,
    waiting,
)

ATTEMPT = UUID(int=7)
LOGINS = ("t1", "t2", "t3")


class Conversation(RuleBasedStateMachine):
    """One person's call under any sequence of requests and events that its states allow."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.talk: AnyTalk | None = None
        self.operator = "t1"

    def _go(self, talk: AnyTalk | None) -> None:
        self.talk = talk
        self.now += 1

    @precondition(lambda self: self.talk is None)
    @rule()
    def hold(self) -> None:
        self._go(held(ATTEMPT, self.operator, self.now))

    @precondition(lambda self: self.talk is None or isinstance(self.talk, Held))
    @rule(why=st.sampled_from([Why.PARK, Why.TRANSFER]), group=st.sets(st.sampled_from(LOGINS)))
    def park(self, why: Why, group: set[str]) -> None:
        logins = frozenset(group) if why is Why.TRANSFER else None
        self._go(waiting(ATTEMPT, self.operator, self.now, why, logins))

    @precondition(lambda self: self.talk is None or isinstance(self.talk, Held))
    @rule(to=st.sampled_from(LOGINS))
    def blind(self, to: str) -> None:
        self._go(joining(ATTEMPT, self.operator, self.now, to, "transfer"))

    @precondition(lambda self: self.talk is None or isinstance(self.talk, Held))
    @rule()
    def to_a_number(self) -> None:
        self._go(leaving(ATTEMPT, self.operator, self.now, Third(call_id="th-1", trunk="a")))

    @precondition(lambda self: isinstance(self.talk, Held))
    @rule(login=st.sampled_from([None, "t2"]))
    def consult(self, login: str | None) -> None:
        assert isinstance(self.talk, Held)
        self._go(self.talk.consult(self.now, Third(call_id="x", login=login, up=login is not None)))

    @precondition(lambda self: isinstance(self.talk, Held))
    @rule()
    def resume(self) -> None:
        assert isinstance(self.talk, Held)
        self._go(self.talk.resume(self.now))

    @precondition(lambda self: isinstance(self.talk, Consulting | Leaving))
    @rule()
    def third_answers(self) -> None:
        talk = self.talk
        if isinstance(talk, Consulting):
            self._go(talk.answered("PJSIP/x"))
        elif isinstance(talk, Leaving):
            self._go(talk.answered(self.now, "PJSIP/x"))

    @precondition(lambda self: isinstance(self.talk, Consulting))
    @rule(what=st.sampled_from(["toggle", "three_way"]))
    def use_third(self, what: str) -> None:
        assert isinstance(self.talk, Consulting)
        self._go(self.talk.toggle(self.now) if what == "toggle" else self.talk.three_way(self.now))

    @precondition(lambda self: isinstance(self.talk, Consulting | ThreeWay))
    @rule(what=st.sampled_from(["leave", "cancel"]))
    def end_with_third(self, what: str) -> None:
        assert isinstance(self.talk, Consulting | ThreeWay)
        third = self.talk.third
        after = self.talk.leave(self.now) if what == "leave" else self.talk.cancel(self.now)
        if isinstance(after, Joining):
            assert after.to == (third.login if what == "leave" else self.talk.operator)
        self._go(after)

    @precondition(lambda self: isinstance(self.talk, Consulting | Leaving))
    @rule()
    def third_is_gone(self) -> None:
        assert isinstance(self.talk, Consulting | Leaving)
        self._go(self.talk.third_gone(self.now))

    @precondition(lambda self: isinstance(self.talk, Joining))
    @rule()
    def arrives(self) -> None:
        assert isinstance(self.talk, Joining)
        self.operator = self.talk.to
        self._go(None)

    @precondition(lambda self: isinstance(self.talk, Joining | WithThird))
    @rule()
    def fails(self) -> None:
        assert isinstance(self.talk, Joining | WithThird)
        self._go(self.talk.failed(self.now))

    @precondition(lambda self: isinstance(self.talk, Waiting))
    @rule(login=st.sampled_from(LOGINS))
    def is_taken(self, login: str) -> None:
        assert isinstance(self.talk, Waiting)
        self._go(self.talk.taken(self.now, login, "pick_up"))

    @precondition(lambda self: isinstance(self.talk, Waiting))
    @rule()
    def waits_too_long(self) -> None:
        assert isinstance(self.talk, Waiting)
        self._go(self.talk.seek(self.now))
        assert isinstance(self.talk, Waiting)
        assert all(self.talk.wants(login) for login in LOGINS)

    @invariant()
    def somebody_or_music_is_heard(self) -> None:
        talk = self.talk
        if talk is None:
            return
        assert talk.hears in Hears
        assert talk.attempt == ATTEMPT
        if isinstance(talk, Consulting | ThreeWay | Held):
            assert talk.keeps(talk.operator)  # never ended by the operator's return to waiting
        if isinstance(talk, Waiting | Leaving | WithThird):
            assert not any(talk.keeps(login) for login in LOGINS)  # the operator is free
        if talk.hears in (Hears.THIRD, Hears.BOTH):
            assert talk.party is not None


TestConversation = Conversation.TestCase
