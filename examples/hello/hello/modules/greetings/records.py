"""What this module gives out: values, detached from its table."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Greeting:
    """A greeting.

    Attributes:
        id: Its id; a later one sorts later.
        name: Who greets.
        text: What was said.
        answer: What was answered; empty until it is.
        announced: Whether it was announced.
        created_at: When it was stored.
    """

    id: str
    name: str
    text: str
    answer: str
    announced: bool
    created_at: datetime
