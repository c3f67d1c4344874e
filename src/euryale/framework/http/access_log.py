"""The access log: one line for each request, written by a listener of telemetry."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from euryale.framework.http.observation import REQUEST_FINISHED
from euryale.kit.telemetry import Telemetry

_log = logging.getLogger("euryale.access")


def log_requests(telemetry: Telemetry) -> Callable[[], None]:
    """Log each request to ``euryale.access`` at level INFO from now on; return what stops that."""

    def listen(name: str, payload: Mapping[str, Any]) -> None:
        if name == REQUEST_FINISHED:
            _log.info(
                "%s %s %s %.1f ms %s",
                payload["method"],
                payload["path"],
                payload["status"],
                payload["seconds"] * 1000,
                payload["request_id"],
            )

    return telemetry.attach(listen)
