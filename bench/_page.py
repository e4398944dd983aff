"""docs/reference/pacing.md in parts, so that each bench renews its own."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "pacing.md"


def write_part(name: str, text: str) -> None:
    """Replaces what stands between the marks of `name`. Raises ValueError without them."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    head, found, rest = page.partition(begin)
    _, found_too, tail = rest.partition(end)
    if not (found and found_too):
        raise ValueError(f"{PAGE} has no marks {begin.strip()} and {end.strip()}")
    body = text.rstrip("\n")
    PAGE.write_text(f"{head}{begin}\n{body}\n\n{end}{tail}", encoding="utf-8")
