"""The calendars that come with the product, read once from `calendars/*.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def shipped() -> Mapping[str, Mapping[str, Any]]:
    """name -> the newest document."""
    found: dict[str, Mapping[str, Any]] = {}
    folder = resources.files(__package__) / "calendars"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            document = tomllib.loads(file.read_text(encoding="utf-8"))
            known = found.get(document["name"])
            if known is None or document["version"] > known["version"]:
                found[document["name"]] = document
    return found
