"""Is Prozvon's part in the configuration of an Asterisk of yours, as the settings want it?"""

from __future__ import annotations

import asyncio

from campaigns.refusals import Sentence
from dialer.asterisk.conf import ConfError
from dialer.asterisk.install import InstallError, Plan, foreign_runtime, plan
from dialer.asterisk.server import InstanceLayout
from dialer.config import Settings
from dialer.findings import Trouble
from dialer.node import pbx_conf


async def check_installation(settings: Settings) -> Sentence:
    """Only for an Asterisk that is not embedded and whose files are on this machine."""
    etc = settings.asterisk.config_dir
    if settings.asterisk.embedded:
        return Sentence(
            "Asterisk is embedded: its configuration is Prozvon's own",
            "Asterisk встроенный: его настройки пишет сам Prozvon",
        )
    if not (etc / "asterisk.conf").is_file():
        return Sentence(
            f"not looked at: {etc} has no asterisk.conf (asterisk.config_dir)",
            f"не проверялась: в {etc} нет asterisk.conf (asterisk.config_dir)",
        )
    try:
        found = await asyncio.to_thread(_plan, settings)
    except (InstallError, ConfError) as error:
        raise Trouble(str(error), "") from None
    if found.problems:
        raise Trouble("; ".join(problem.text for problem in found.problems), "")
    if found.changes:
        names = ", ".join(str(change.path) for change in found.changes)
        raise Trouble(
            f"not as the settings want it: {names}; run `prozvon asterisk install --check`, then "
            "--apply",
            f"не так, как в настройках: {names}; выполните `prozvon asterisk install --check`, "
            "затем --apply",
        )
    return Sentence(f"Prozvon's part is in {etc}", f"часть Prozvon в {etc} на месте")


def _plan(settings: Settings) -> Plan:
    etc = settings.asterisk.config_dir
    runtime = foreign_runtime(etc, "asterisk")
    layout = InstanceLayout("office", etc)
    return plan(pbx_conf(settings, runtime_layout=layout, runtime=runtime), etc)
