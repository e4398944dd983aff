"""The manager actions Prozvon uses, as typed calls over `action`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from dialer.asterisk.ami_wire import AmiBadValue, AmiRefused, FieldValue, OriginateRequest

# "No such channel" (Hangup, Setvar), "Channel does not exist: X" (Redirect): Asterisk 22.10.
_NO_CHANNEL = ("No such channel", "Channel does not exist", "ExtraChannel does not exist")


def _one_channel(channel: str) -> str:
    # Hangup reads "/.../" as a pattern over all channels, Setvar an empty channel as global.
    if not channel or channel.startswith("/"):
        raise AmiBadValue(f"{channel!r} does not name one channel")
    return channel


class AmiActions(ABC):
    """All raise what `action` raises."""

    @abstractmethod
    async def action(
        self,
        name: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Mapping[str, str]:
        """Send one action and return the headers of its answer."""

    async def originate(self, request: OriginateRequest, timeout_s: float | None = None) -> None:
        """Returns when Asterisk has queued the call; its end comes as `OriginateResponse`."""
        await self.action("Originate", request.fields(), timeout_s=timeout_s)

    async def hangup(self, channel: str, cause: int | None = None) -> bool:
        """Name or Uniqueid of the channel; Q.850 cause. False when there is no such channel."""
        fields = {"Channel": _one_channel(channel)}
        if cause is not None:
            fields["Cause"] = str(cause)
        return await self._if_channel_exists("Hangup", fields)

    async def redirect(
        self,
        channel: str,
        context: str,
        exten: str,
        priority: int | str = 1,
        *,
        extra_channel: str | None = None,
        extra_context: str | None = None,
        extra_exten: str | None = None,
        extra_priority: int | str | None = None,
    ) -> bool:
        """Send a channel, and perhaps its bridge peer (`extra_`), elsewhere in the dialplan.

        An extra place that is not given is the first one. False when a channel is gone. Success
        does not mean that the place exists: 22.10 answers Success and hangs the channel up.
        """
        fields = {"Channel": _one_channel(channel), "Context": context, "Exten": exten}
        fields["Priority"] = str(priority)
        if extra_channel is not None:
            fields["ExtraChannel"] = _one_channel(extra_channel)
            fields["ExtraContext"] = extra_context or context
            fields["ExtraExten"] = extra_exten or exten
            fields["ExtraPriority"] = str(extra_priority or priority)
        return await self._if_channel_exists("Redirect", fields)

    async def set_variable(self, channel: str, name: str, value: str) -> bool:
        """`value` is taken as it is, commas and quotes too. False when there is no such channel."""
        fields = {"Channel": _one_channel(channel), "Variable": name, "Value": value}
        return await self._if_channel_exists("Setvar", fields)

    async def get_variable(self, channel: str, name: str) -> str:
        """Empty for a variable that is not set; `AmiRefused` when there is no such channel."""
        fields = {"Channel": _one_channel(channel), "Variable": name}
        return (await self.action("Getvar", fields)).get("Value", "")

    async def _if_channel_exists(self, name: str, fields: Mapping[str, str]) -> bool:
        try:
            await self.action(name, fields)
        except AmiRefused as refused:
            if not refused.message.startswith(_NO_CHANNEL):
                raise
            return False
        return True
