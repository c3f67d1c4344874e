"""Pictures of plans, as answers."""

from typing import Annotated, Any, Final

from fastapi import Query, Response

from euryale.cloud.wire.executions import GraphFormat

_TYPES: Final[dict[GraphFormat, str]] = {
    "svg": "image/svg+xml",
    "mermaid": "text/plain; charset=utf-8",
    "json": "application/json",
}

_TEXT: Final = {"schema": {"type": "string"}}
PICTURES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The picture.", "content": {media.partition(";")[0]: _TEXT for media in _TYPES.values()}}
}
"""How an endpoint that draws describes its answer."""

Format = Annotated[GraphFormat, Query(alias="format", description="as what it is drawn")]


def picture(text: str, form: GraphFormat) -> Response:
    """Return a picture as an answer; nothing in it is run, should a browser show it."""
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(text, media_type=_TYPES[form], headers=headers)
