"""How a stream of server-sent events stands in the API's description."""

from typing import Any, Final

EVENT_STREAM: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "description": "one event; its data is JSON",
        "properties": {"event": {"type": "string"}, "data": {"type": "string"}, "id": {"type": "string"}},
    }
}
"""The media type object of ``text/event-stream``."""
