"""Whoever is refused reads why in Russian too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = sorted(
    path
    for place in ("campaigns", "dialer/talk", "monitoring/recordings", "dialer/http")
    for path in (PROJECT / place).rglob("*.py")
)
DESK = [PROJECT / "dialer" / name for name in ("desk.py", "recording.py", "by_hand.py")]
# Texts of the files are in `campaigns.lists.reasons`, of what ships with a defect in English only.
ELSEWHERE = {"ListError", "ListFileError", "LegalError"}


def refusals(path: Path) -> Iterator[tuple[int, str]]:
    """Line and source of each refusal that is made with an id and its text on the spot."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        name, first = ast.unparse(node.func).rpartition(".")[2], node.args[0]
        if not (name == "Refusal" or name.endswith("Error")) or name in ELSEWHERE:
            continue
        texts = [arg for arg in node.args[1:] if isinstance(arg, ast.Constant | ast.JoinedStr)]
        spoken = [text for text in texts if not isinstance(getattr(text, "value", ""), int)]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and spoken:
            yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize("path", [*FILES, *DESK], ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_refusal_has_a_russian_sentence(path: Path) -> None:
    mute = [
        f"{path.name}:{line} {source}"
        for line, source in refusals(path)
        if "{ru}" not in source and not any("\u0400" <= each <= "\u04ff" for each in source)
    ]
    assert mute == []


def test_there_are_refusals_to_look_at() -> None:
    assert sum(len(list(refusals(path))) for path in [*FILES, *DESK]) > 80
