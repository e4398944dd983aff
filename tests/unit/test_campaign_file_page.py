"""The page on campaign files says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from campaigns.campaign import settings as registry
from campaigns.campaign_file.model import read, write
from campaigns.scripts.model import PLACES

PAGE = (Path(__file__).parents[2] / "docs/reference/campaign-file.md").read_text()


def test_every_key_is_on_the_page_with_its_values() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert [key for key, _ in rows] == [key.name for key in registry.KEYS]
    for name, rest in rows:
        values, _, doc = rest.split(" | ")
        key = registry.BY_NAME[name]
        assert (values, doc) == (key.kind.doc.en, key.doc.en), name


def test_the_example_is_a_campaign_and_comes_back_the_same() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = read(text, "toml", "page")
    whole = registry.complete(file.settings)
    assert registry.complete(read(write(file.name, whole, "toml"), "toml", "x").settings) == whole


def test_every_placeholder_is_on_the_page() -> None:
    assert all(f"`{{{place}}}`" in PAGE for place in PLACES)
