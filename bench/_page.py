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


BENCHMARKS = PAGE.with_name("benchmarks.md")
HEAD = """\
# Benchmarks

Each is one script of `bench/` (`make bench` runs all). Ratios are measured in one run on one
machine; absolute times are that machine's alone. The last honest result stands here.
"""


def write_section(name: str, doc: str, text: str) -> None:
    """The section of one script: what it measures (its docstring's first paragraph), its result."""
    page = BENCHMARKS.read_text(encoding="utf-8") if BENCHMARKS.exists() else HEAD
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    about = doc.strip().partition("\n    python ")[0].rstrip()
    section = f"{begin}## {name}\n\n{about}\n\n{text.rstrip()}\n\n{end}"
    head, found, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    whole = f"{head}{section}{tail}" if found else f"{page.rstrip()}\n\n{section}"
    BENCHMARKS.write_text(whole, encoding="utf-8")
