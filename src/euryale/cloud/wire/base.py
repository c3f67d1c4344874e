"""What all models of the wire share."""

from pydantic import BaseModel, ConfigDict


class Asked(BaseModel):
    """A request's body; an unknown field is refused, because it is most likely a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """A part of an answer; an older client passes over fields that it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, from_attributes=True)
