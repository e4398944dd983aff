"""`prozvon doctor`: is everything there that dialing needs?"""

from __future__ import annotations

import typer
from rich.text import Text

from dialer import logs
from dialer.commands.common import Json, Reply, failed, run, speech, use_settings
from dialer.config import ConfigError
from dialer.doctor import examine
from dialer.findings import Finding


def doctor(context: typer.Context, as_json: Json = False) -> Reply:
    """Check a live system; each failure says what to do. Exit code 1 on any failure."""
    findings = _findings(context)
    ok = all(finding.ok for finding in findings)
    data = {"ok": ok, "checks": findings}
    return Reply(data, [_line(finding) for finding in findings], exit_code=0 if ok else 1)


def _findings(context: typer.Context) -> list[Finding]:
    try:
        settings = use_settings(context)
    except ConfigError as error:
        return [Finding("settings", False, str(error), "")]
    # What the parts would log is what the findings say.
    if settings.log.level != "debug":
        logs.set_up("critical", settings.log.format)
    return [Finding("settings", True, "can be read", "читаются"), *run(examine(settings))]


def _line(finding: Finding) -> Text:
    mark = ("ok  ", "green") if finding.ok else (failed(), "bold red")
    return Text.assemble(mark, f"  {finding.said(speech.language)}")
