"""The access log: one line for each request, written by a listener of telemetry."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from euryale.framework.http.observation import REQUEST_FINISHED
from euryale.kit.telemetry import Telemetry

_log = logging.getLogger("euryale.access")

# what a path may hold as it is (RFC 3986); the rest could end the line or speak to a terminal
_PLAIN: Final = "/:@!$&'()*+,;="


def log_requests(telemetry: Telemetry) -> Callable[[], None]:
    """Log each request to ``euryale.access`` at level INFO from now on; return what stops that."""

    def listen(name: str, payload: Mapping[str, Any]) -> None:
        if name == REQUEST_FINISHED:
            _log.info(
                "%s %s %s %.1f ms %s",
                payload["method"],
                quote(payload["path"], safe=_PLAIN),
                payload["status"],
                payload["seconds"] * 1000,
                payload["request_id"],
            )

    return telemetry.attach(listen)
