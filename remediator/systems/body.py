"""What a vendor's JSON answer is read into."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Body(BaseModel):
    """A part of an answer: the vendor's ``camelCase`` names as ours, and what else it holds passed over."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)
