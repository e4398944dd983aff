"""How people and operators are moved on the node: the few steps everything else is made of.

The person always moves first: whoever was in a bridge with them then returns by itself (the
dialplan's `F`), and an operator who left first would end the person's call.
"""

from __future__ import annotations

from uuid import UUID

from dialer.asterisk.ami import AmiClient, OriginateRequest
from dialer.talk.model import Third, Why

OPERATOR_AFTER = "prozvon-operator^s^wait"
THIRD_AFTER = "prozvon-third^s^wait"
THIRD_GONE = "prozvon-third^s^gone"
SILENCE, RINGING = "s", "r"
MUTED = "PROZVON_MUTED"


class Moves:
    """Commands to the node. They raise AmiError; False or nothing when a channel is gone."""

    def __init__(self, ami: AmiClient) -> None:
        self._ami = ami

    async def music(self, attempt: UUID, why: Why, back: str, limit_s: float) -> bool:
        """The person hears music, at most `limit_s`; `back`: the channel that waits meanwhile."""
        person = str(attempt)
        await self._ami.set_variable(person, "PROZVON_LIMIT", f"{limit_s:.0f}")
        await self._ami.set_variable(person, "PROZVON_OPERATOR", back)
        await self._ami.set_variable(person, "PROZVON_AFTER", OPERATOR_AFTER)
        return await self._ami.redirect(person, "prozvon-music", why.value)

    async def join(self, attempt: UUID, channel: str, after: str = OPERATOR_AFTER) -> bool:
        """The person to a channel that is, or in a moment will be, kept for the attempt."""
        person = str(attempt)
        await self._ami.set_variable(person, "PROZVON_OPERATOR", channel)
        await self._ami.set_variable(person, "PROZVON_AFTER", after)
        return await self._ami.redirect(person, "prozvon-join", "s")

    async def keep(self, channel: str, attempt: UUID) -> bool:
        """From the next wait on this channel may be taken for this attempt only."""
        return await self._ami.set_variable(channel, "SHARED(kept)", str(attempt))

    async def take_aside(self, channel: str, attempt: UUID) -> None:
        """A free operator, who waits already, may be taken for this attempt only."""
        await self.keep(channel, attempt)
        await self._ami.set_variable(channel, "SHARED(free)", str(attempt))

    async def let_go(self, channel: str) -> None:
        """Not kept any more. Goes on waiting as before, free for everybody."""
        await self._ami.set_variable(channel, "SHARED(kept)", "")
        await self.wait(channel)

    async def unkeep(self, channel: str) -> None:
        """Not kept any more, but still in a bridge: free when it comes out of that."""
        await self._ami.set_variable(channel, "SHARED(kept)", "")

    async def wait(self, channel: str, hears: str = SILENCE) -> bool:
        """An operator to the place where operators wait."""
        await self._ami.set_variable(channel, "PROZVON_WAITING", hears)
        return await self._ami.redirect(channel, "prozvon-operator", "s", "wait")

    async def back_to_wait(self, third: Third) -> bool:
        """A third party out of whatever it is in, still kept."""
        if third.login is not None:
            return await self.wait(third.channel)
        return await self._ami.redirect(third.channel, "prozvon-third", "s", "wait")

    async def consult(self, operator: str, third: Third) -> bool:
        """The operator's channel to the third party's; the other waits."""
        after = THIRD_AFTER if third.login is None else OPERATOR_AFTER
        await self._ami.set_variable(operator, "PROZVON_WAITING", SILENCE)
        await self._ami.set_variable(operator, "PROZVON_PEER", third.channel)
        await self._ami.set_variable(operator, "PROZVON_PEER_AFTER", after)
        return await self._ami.redirect(operator, "prozvon-consult", "s")

    async def room(self, attempt: UUID, operator: str, third: Third) -> bool:
        """All three into one room."""
        if not await self._ami.redirect(str(attempt), "prozvon-room", "person"):
            return False
        place = "third" if third.login is None else "operator"
        return await self._ami.redirect(
            operator,
            "prozvon-room",
            "operator",
            extra_channel=third.channel,
            extra_context="prozvon-room",
            extra_exten=place,
        )

    async def call(
        self, third: Third, attempt: UUID, phone: str, caller_id: str | None, ring_timeout_s: float
    ) -> None:
        """Calls a number over a trunk; answered, it waits for whoever comes."""
        await self._ami.originate(
            OriginateRequest(
                action_id=third.call_id,
                channel=f"PJSIP/{phone}@trunk-{third.trunk}",
                channel_id=third.call_id,
                context="prozvon-third",
                exten="s",
                priority=1,
                timeout_ms=int(ring_timeout_s * 1000),
                caller_id=caller_id,
                variables={"__PROZVON_ATTEMPT": str(attempt)},
            )
        )

    async def hang_up(self, channel: str) -> bool:
        return await self._ami.hangup(channel)

    async def mute(self, channel: str, *, on: bool) -> bool:
        """What the operator's phone sends is dropped (MuteAudio would need the right `system`).

        MUTEAUDIO cannot be read back (22.10), so the channel remembers it in a variable as well,
        which is set for as long as the sound may be off.
        """
        if on:
            await self._ami.set_variable(channel, MUTED, "1")
        done = await self._ami.set_variable(channel, "MUTEAUDIO(in)", "on" if on else "off")
        if not on:
            await self._ami.set_variable(channel, MUTED, "")
        return done

    async def is_muted(self, channel: str) -> bool:
        """What the channel remembers. AmiRefused when it is gone."""
        return await self._ami.get_variable(channel, MUTED) == "1"

    async def keys(self, attempt: UUID, digits: str) -> None:
        for digit in digits:
            await self._ami.action("PlayDTMF", {"Channel": str(attempt), "Digit": digit})

    async def refused_tone(self, channel: str, tone_id: str) -> None:
        """A short tone that only this operator hears."""
        await self._ami.originate(
            OriginateRequest(
                action_id=tone_id,
                channel="Local/refused@prozvon-tone/n",
                channel_id=tone_id,
                context="prozvon-tone",
                exten="whisper",
                priority=1,
                timeout_ms=2000,
                caller_id=None,
                variables={"__PROZVON_TONE_FOR": channel},
            )
        )
