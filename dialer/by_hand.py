"""Operators who dial by hand: typed numbers, leads, and cards with a time limit.

Only the decision is a person's. Claim, commit, limits and everything that follows are those of any
other call (`dialer.controller`); while it rings the operator listens to it (extension `dial-` of
the dialplan).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import structlog

from campaigns.by_hand.model import (
    ByHandError,
    CardView,
    Prefixes,
    clean_reason,
    masked,
    number_to_dial,
    why_refused,
)
from campaigns.by_hand.service import ByHandService, Skip
from campaigns.campaign.modes import BY_HAND
from campaigns.refusals import Sentence
from dialer.asterisk import events as ev
from dialer.asterisk.ami import AmiError
from dialer.board import Campaign, Card
from dialer.calls import Attempt, Lead
from dialer.controller import BEING_CLAIMED, Controller
from dialer.ids import new_id
from dialer.operators import Previewing, Ready, Seat
from dialer.outcomes import EndedBy
from dialer.pacing import Decision
from dialer.routing import NoWay
from dialer.ways import Way

log = structlog.get_logger(__name__)

RINGING = 5
HEARS = "PROZVON_HEARS"
TIME_LIMIT = "time limit"
MANUAL = Sentence("manual, operators dial", "ручной режим, набирают операторы")
CARD_EACH = Sentence("a card for each who waits", "по карточке каждому, кто ждёт")


class ByHand:
    """Use cases of operators in manual and preview campaigns, on the floor's controller."""

    def __init__(
        self, controller: Controller, service: ByHandService, prefixes: Prefixes, region: str
    ) -> None:
        self._controller, self._service = controller, service
        self._board, self._clock = controller.board, controller.clock
        self._prefixes, self._region = prefixes, region
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.on_card: Callable[[str, Mapping[str, object]], None] = lambda name, given: None
        """Told of cards (`given`, `skipped`) and of phones that are rung for a dial (`ring`)."""
        self.dials_at_limit = True
        """Whether a card's limit may dial; in a replay the record tells what is dialed."""
        controller.hand_out = self.hand_out
        controller.before_dial = self._listen
        controller.before_decide = self.collect_cards
        controller.watch(self._on_event, ev.ChannelState, ev.DialStateChanged)
        controller.seating.on_dial_left = self._left

    # --- what operators ask for

    async def dial_number(self, login: str, campaign: str, text: str) -> UUID:
        """Dials a typed number; returns the attempt. Raises ByHandError that says why not."""
        number = number_to_dial(text, self._region, self._prefixes)
        seat, found = self._free_seat(login), await self._campaign(campaign)
        await self.phone_up(seat)
        lead = await self._service.claim_number(found.id, number)
        return await self._dial_claimed(seat, found, lead)

    async def dial_lead(self, login: str, campaign: str, lead_id: int) -> UUID:
        """Dials a lead by its id; returns the attempt. Raises ByHandError that says why not."""
        seat, found = self._free_seat(login), await self._campaign(campaign)
        await self.phone_up(seat)
        lead = self._from_buffer(found, lead_id)
        if lead is None:
            lead = await self._service.claim_lead(found.id, lead_id)
        return await self._dial_claimed(seat, found, lead)

    async def card(self, login: str, *, in_clear: bool = False) -> CardView:
        """The card that the operator has now. Asking for the number in clear is audited."""
        card = self._card(login)
        campaign = self._board.campaigns[card.campaign_id]
        details = await self._service.details(card.lead.id)
        if in_clear:
            await self._service.revealed(login, card.lead.id)
        contact = details.contact
        return CardView(
            login=login,
            campaign=campaign.name,
            lead_id=card.lead.id,
            name=contact.get("name", ""),
            company=contact.get("company", ""),
            attributes=contact.get("attributes", {}),
            time_zone=contact.get("time_zone"),
            phone=card.lead.phone if in_clear else masked(card.lead.phone),
            approaches=card.lead.approaches,
            max_approaches=card.lead.max_approaches,
            left_s=max(0.0, card.until - self._clock()),
            at_limit=campaign.preview_at_limit,
            history=details.history,
            skips=details.skips,
        )

    async def dial_card(self, login: str) -> UUID:
        """Dials the lead of the operator's card; returns the attempt. Refused, the card stays."""
        card = self._card(login)
        seat, campaign = self._board.seats[login], self._board.campaigns[card.campaign_id]
        await self.phone_up(seat)
        if self._board.cards.get(login) is not card:
            raise self._not_free(login)
        way = self._check(seat, campaign, card.lead)
        if self._card(login) is not card:  # the limit came meanwhile
            raise self._not_free(login)
        self.dialed(login)
        return await self._place(seat, campaign, card.lead, way)

    def skip(self, login: str, reason: str) -> None:
        """The lead goes back as the retry rule says; the operator gets another card."""
        card, text = self._card(login), clean_reason(reason)
        self._skipped(login, card, text)

    # --- cards

    def hand_out(self, campaign: Campaign, now: float) -> Decision:
        """One card for every operator who waits: preview's pacing."""
        if campaign.mode == "manual":
            return Decision(0, "mode", MANUAL)
        free = self._controller.shares.readers(campaign)
        cards = 0
        for seat in free:
            lead = _next_for(campaign, seat)
            if lead is not None:
                campaign.buffer.remove(lead)
                self.give_card(campaign, seat, lead, now)
                cards += 1
        if cards == len(free):
            return Decision(cards, "operators", CARD_EACH)
        return Decision(cards, campaign.leads_limit, campaign.leads_note or BEING_CLAIMED)

    def give_card(self, campaign: Campaign, seat: Seat, lead: Lead, now: float) -> None:
        """To an operator who is ready."""
        state = seat.state
        assert isinstance(state, Ready)
        self.on_card("given", {"login": seat.login, "campaign": campaign.id})
        until = now + campaign.preview_limit_s
        self._board.cards[seat.login] = Card(lead, campaign.id, now, until)
        seat.become(state.preview(now))
        self._timers[seat.login] = asyncio.get_running_loop().call_later(
            campaign.preview_limit_s, self._too_late, seat.login
        )

    def _too_late(self, login: str) -> None:
        """The card's limit: what then happens is the campaign's setting."""
        card = self._board.cards.get(login)
        campaign = self._board.campaigns.get(card.campaign_id) if card else None
        if card is None or campaign is None or self._seat(login) is None:
            return  # of who has just left: collected by the next decision
        if campaign.preview_at_limit == "dial" and self.dials_at_limit:
            self._controller.tasks.start(f"dial card {login}", self._dial_or_skip(login, card))
        elif campaign.preview_at_limit == "pause":
            self._give_back(login)
            self._controller.seating.pause(self._board.seats[login], TIME_LIMIT)
        elif campaign.preview_at_limit == "skip":
            self._skip(login, card, TIME_LIMIT)
            self._free(login)

    async def _dial_or_skip(self, login: str, card: Card) -> None:
        try:
            await self.dial_card(login)
        except ByHandError as error:
            log.info("card_not_dialed", login=login, why=error.id)
            if self._board.cards.get(login) is card and self._seat(login) is not None:
                self._skipped(login, card, f"{TIME_LIMIT}: {error}")

    def _skipped(self, login: str, card: Card, reason: str) -> None:
        self.on_card("skipped", {"login": login})
        self._skip(login, card, reason)
        self._free(login)

    def dialed(self, login: str) -> None:
        """The card that this operator has is dialed: nobody else sees it now."""
        if login in self._board.cards:
            self._take_away(login)

    def collect_cards(self) -> None:
        """Cards of operators who do something else now, or of campaigns that show none now."""
        for login, card in tuple(self._board.cards.items()):
            campaign, seat = self._board.campaigns.get(card.campaign_id), self._seat(login)
            reads = seat is not None and isinstance(seat.state, Previewing)
            shows = campaign is not None and campaign.running and campaign.mode == "preview"
            if not reads or not shows:
                self._give_back(login)
                self._free(login)

    def _give_back(self, login: str) -> None:
        lead = self._take_away(login).lead
        self._controller.journal.write("give_back", lambda c: self._service.give_back(c, lead.id))

    def _skip(self, login: str, card: Card, reason: str) -> None:
        self._take_away(login)
        now, seat = self._clock(), self._board.seats[login]
        read_s = max(0.0, now - card.given_at)
        skip = Skip(new_id(now), card.lead, seat.operator_id, now, reason, read_s)
        self._controller.journal.write("skip", lambda c: self._service.skip(c, skip))

    def _take_away(self, login: str) -> Card:
        timer = self._timers.pop(login, None)
        if timer is not None:
            timer.cancel()
        return self._board.cards.pop(login)

    def _free(self, login: str) -> None:
        """Whoever read a card waits again."""
        seat = self._seat(login)
        if seat is not None and isinstance(seat.state, Previewing):
            seat.become(seat.state.released(self._clock()))
            self._controller.seating.on_free()

    # --- dialing

    async def _dial_claimed(self, seat: Seat, campaign: Campaign, lead: Lead) -> UUID:
        try:
            way = self._check(seat, campaign, lead)
        except BaseException:
            self._controller.journal.write(
                "give_back", lambda c: self._service.give_back(c, lead.id)
            )
            raise
        return await self._place(seat, campaign, lead, way)

    async def _place(self, seat: Seat, campaign: Campaign, lead: Lead, way: Way) -> UUID:
        """As every other call."""
        task = self._controller.place(campaign, lead, way, seat, self._clock())
        attempt_id = seat.state.attempt
        assert attempt_id is not None
        refused = await asyncio.shield(task)
        if refused is not None:
            raise why_refused(refused)
        return attempt_id

    def _check(self, seat: Seat, campaign: Campaign, lead: Lead) -> Way:
        """Whatever speaks against the dial now, and the trunk that takes it."""
        held = self._controller.holds.held(campaign)
        if held is not None:
            raise ByHandError(
                "no_dialing",
                503,
                f"nothing is dialed now: {held.reason.en}",
                f"сейчас набора нет: {held.reason.to('ru')}",
            )
        if lacks := campaign.skills - seat.skills:
            raise ByHandError(
                "no_skill",
                403,
                f"{seat.login} lacks what the campaign needs: {', '.join(sorted(lacks))}",
                f"у {seat.login} нет навыков, нужных кампании: {', '.join(sorted(lacks))}",
            )
        if self._seat(seat.login) is not seat or not self._idle(seat):
            raise self._not_free(seat.login)
        return self._way(campaign, lead)

    def _way(self, campaign: Campaign, lead: Lead) -> Way:
        way = self._controller.ways.way(campaign, lead, self._clock())
        if isinstance(way, Way):
            return way
        raise _no_line(way)

    async def _campaign(self, name: str) -> Campaign:
        row = await self._service.campaign(name)
        if row is None:
            raise ByHandError(
                "unknown_campaign",
                404,
                f"there is no campaign {name!r}",
                f"нет кампании {name!r}",
            )
        campaign = self._board.campaigns.get(row["id"])
        if row["status"] != "running" or campaign is None or not campaign.running:
            raise ByHandError(
                "campaign_not_running",
                409,
                f"the campaign {name!r} does not run; start it first",
                f"кампания {name!r} не запущена; сначала запустите её",
            )
        if campaign.mode not in BY_HAND:
            raise ByHandError(
                "wrong_mode",
                409,
                f"the campaign {name!r} is {campaign.mode}: the dialer dials it; by hand only "
                "manual and preview ones are dialed",
                f"кампания {name!r} в режиме {campaign.mode}: её набирает программа; вручную "
                "набирают только manual и preview",
            )
        return campaign

    def _from_buffer(self, campaign: Campaign, lead_id: int) -> Lead | None:
        """A lead that was claimed for cards already."""
        for lead in campaign.buffer:
            if lead.id == lead_id:
                campaign.buffer.remove(lead)
                return lead
        return None

    def _free_seat(self, login: str) -> Seat:
        seat = self._seat(login)
        if seat is None:
            raise _not_signed_in(login)
        if login in self._board.cards:
            raise ByHandError(
                "card_open",
                409,
                f"{login} has a card: dial it or skip it before another dial",
                f"у {login} открыта карточка: сначала наберите её или пропустите",
            )
        if not self._idle(seat):
            raise self._not_free(login)
        return seat

    def _idle(self, seat: Seat) -> bool:
        return isinstance(seat.state, Ready | Previewing) and seat.reachable

    async def phone_up(self, seat: Seat) -> None:
        """The phone of an operator on call is rung first. Raises ByHandError `phone_no_answer`."""
        if seat.channel or not seat.phone.on_call:
            return
        if timer := self._timers.pop(seat.login, None):  # who dials has decided about the card
            timer.cancel()
        self.on_card("ring", {"login": seat.login})
        if not await self._controller.seating.summon(seat, by_hand=True):
            raise ByHandError(
                "phone_no_answer",
                409,
                f"the phone of {seat.login} was called and not answered; pick it up when it rings",
                f"телефон {seat.login} не ответил; снимите трубку, когда он зазвонит",
            )

    def _not_free(self, login: str) -> ByHandError:
        seat = self._seat(login)
        state = seat.state.kind.value if seat is not None else "signed out"
        return ByHandError(
            "not_ready",
            409,
            f"{login} is {state}; only who is ready can dial: `ready` first",
            f"{login} в состоянии {state}; набирать может только готовый: сначала `ready`",
        )

    def _card(self, login: str) -> Card:
        if self._seat(login) is None:
            raise _not_signed_in(login)
        card = self._board.cards.get(login)
        if card is None:
            raise ByHandError(
                "no_card",
                404,
                f"{login} has no card now; one comes when the operator is ready and a preview "
                "campaign with leads runs",
                f"у {login} сейчас нет карточки; она придёт, когда оператор готов и идёт кампания "
                "preview с лидами",
            )
        return card

    def _seat(self, login: str) -> Seat | None:
        return self._board.seats.get(login)

    # --- what the operator hears

    async def _listen(self, attempt: Attempt) -> None:
        """The operator's phone leaves the waiting room for the ringing of this call."""
        seat = self._seat(attempt.dial_operator or "")
        if seat is None or not seat.channel:
            return
        try:
            await self._controller.ami.redirect(
                seat.channel, "prozvon-operator", f"dial-{attempt.id}"
            )
        except AmiError as error:
            log.warning("operator_hears_no_ringing", login=seat.login, error=repr(error))

    def _on_event(self, event: ev.Event) -> None:
        if isinstance(event, ev.ChannelState) and event.state == RINGING:
            self._let_hear(event.unique_id, "ring")
        elif isinstance(event, ev.DialStateChanged) and event.dial_status == "PROGRESS":
            self._let_hear(event.dest_unique_id, "media")

    def _let_hear(self, unique_id: str, what: str) -> None:
        attempt = self._board.attempt_of_channel(unique_id)
        if attempt is None or not attempt.by_hand:
            return
        seat = self._seat(attempt.dial_operator or "")
        if seat is not None and seat.channel and seat.state.attempt == attempt.id:
            self._controller.tasks.command(
                f"hears {what}",
                self._controller.ami.set_variable(seat.channel, HEARS, what),
                AmiError,
            )

    def _left(self, attempt_id: UUID, by: EndedBy) -> None:
        """The operator hung up before the answer."""
        attempt = self._board.attempts.get(attempt_id)
        if attempt is not None:
            self._controller.attempts.hang_up(attempt, by)

    def close(self) -> None:
        """At the end: no card outlives the floor."""
        for login in tuple(self._board.cards):
            self._give_back(login)


def _next_for(campaign: Campaign, seat: Seat) -> Lead | None:
    """The first lead that is for anyone or promised to this operator."""
    fit = (lead for lead in campaign.buffer if lead.operator_id in (None, seat.operator_id))
    return next(fit, None)


def _not_signed_in(login: str) -> ByHandError:
    return ByHandError("not_signed_in", 409, f"{login} is not signed in", f"{login} не на смене")


def _no_line(way: NoWay) -> ByHandError:
    names = ", ".join(way.trunks)
    told = {
        "no_route": Sentence(
            "no trunk has a route for this number", "ни у одного транка нет маршрута на этот номер"
        ),
        "full": Sentence(
            f"there is no free line on {names}; try again in a moment",
            f"на {names} нет свободной линии; повторите через минуту",
        ),
    }.get(
        way.kind,
        Sentence(
            f"the trunk {names} does not work now; it is tried again by itself",
            f"транк {names} сейчас не работает; он проверяется сам",
        ),
    )
    return ByHandError("no_line", 503, told.en, told.ru)
