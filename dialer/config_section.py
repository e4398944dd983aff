"""What sections of the settings are made of: unknown keys are errors, secrets may be files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dialer.talk.numbers import is_pattern

NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"
PREFIX = r"^\+?[1-9][0-9]{0,14}$"
ADDRESS = r"^[0-9A-Za-z.:-]{1,253}$"

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
CALLER_ID = r"^\+?[0-9]{3,15}$"


def patterns(numbers: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of numbers as they were given. Raises ValueError for what is none."""
    if bad := [number for number in numbers if not is_pattern(number)]:
        raise ValueError(f"{', '.join(bad)}: give + and digits; x is any digit, * the rest")
    return numbers


class Section(BaseModel):
    """A group of settings that knows its keys: an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:
        """Replaces `<key>_file` by `<key>` with the file's content."""
        if not isinstance(values, dict):
            return values
        out = dict(values)
        for key in [k for k in values if k.endswith("_file") and k[:-5] in cls.model_fields]:
            path = Path(str(out.pop(key))).expanduser()
            try:
                out[key[:-5]] = path.read_text().strip()
            except OSError as error:
                raise ValueError(f"{key}: cannot read {path}: {error.strerror}") from None
        return out
