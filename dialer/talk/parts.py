"""Puts the parts of `dialer.talk` together on a floor's controller."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.asterisk import events as ev
from dialer.config import Settings
from dialer.controller import Controller
from dialer.line_time import LineTime
from dialer.talk.floor import TalkFloor
from dialer.talk.follow import Follow
from dialer.talk.recall import Recall
from dialer.talk.service import Talks
from dialer.talk.stars import Stars


@dataclass(frozen=True, slots=True)
class TalkParts:
    floor: TalkFloor
    talks: Talks
    recall: Recall


def talk_parts(controller: Controller, line_time: LineTime, settings: Settings) -> TalkParts:
    """The conversation's side of a floor, wired to its events."""
    floor = TalkFloor(
        board=controller.board,
        store=controller.store,
        journal=controller.journal,
        ami=controller.ami,
        tasks=controller.tasks,
        seating=controller.seating,
        attempts=controller.attempts,
        line_time=line_time,
        clock=controller.clock,
        settings=settings.transfers,
        on_unsure=lambda: controller.on_unsure(),
    )
    talks = Talks(floor, settings.floor.phone_region)
    follow, stars = Follow(floor, talks), Stars(floor, talks)

    for kind, told in follow.routes.items():
        controller.watch(told, kind)
    controller.watch(stars.on_event, ev.Dtmf)
    controller.keeps = follow.keeps
    controller.attempts.on_conversation = follow.conversation
    controller.attempts.on_ending = follow.ending
    controller.seating.person_goes_on = follow.person_goes_on
    served = controller.seating.on_free

    def on_free() -> None:
        """People who talked already come before those who were just dialed."""
        talks.serve()
        served()

    controller.seating.on_free = on_free
    recall = Recall(floor, talks)
    recall.on_third_gone = follow.third_gone
    return TalkParts(floor, talks, recall)
