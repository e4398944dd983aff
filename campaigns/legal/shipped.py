"""The profiles that come with the product, read once from `profiles/*.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from campaigns.legal.model import LegalError, Profile, read


@cache
def shipped() -> Mapping[str, Mapping[int, Profile]]:
    """name -> version -> profile. Raises LegalError for a file that is wrong."""
    found: dict[str, dict[int, Profile]] = {}
    for file in sorted((resources.files(__package__) / "profiles").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            profile = read(tomllib.loads(file.read_text(encoding="utf-8")), file.name)
            if file.name != f"{profile.name}-{profile.version}.toml":
                raise LegalError("bad_profile", f"{file.name} holds {profile.name}, version "
                                 f"{profile.version}")  # fmt: skip
            found.setdefault(profile.name, {})[profile.version] = profile
    return found
