"""Server-sent events: the format, and going on after a disconnection."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Received:
    """One event.

    Attributes:
        name: Its kind.
        data: What it carries.
        id: Where to go on after it, or an empty string.
    """

    name: str
    data: str
    id: str


async def read_events(lines: AsyncIterator[str]) -> AsyncIterator[Received]:
    """Yield the events of a stream; comments, which keep the connection, are passed over."""
    name, data, event_id = "", list[str](), ""
    async for line in lines:
        if not line:
            if data:
                yield Received(name or "message", "\n".join(data), event_id)
            name, data, event_id = "", [], ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id":
                event_id = value
            case _:
                pass
