"""The one seam for instrumentation: named events with a documented payload, and whoever listens to them.

Logs, metrics, traces and the dashboard are all listeners; the code that does the work only reports.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

Listener = Callable[[str, Mapping[str, Any]], None]

_log = logging.getLogger("euryale.telemetry")


class Telemetry:
    """Hands each reported event to every listener.

    A listener that raises is logged and passed over: watching must not break what is watched.

    Attributes:
        is_heard: Whether anybody listens; if not, what only a report needs need not be made.

    Example:
        >>> seen = []
        >>> telemetry = Telemetry()
        >>> detach = telemetry.attach(lambda name, payload: seen.append((name, payload["id"])))
        >>> telemetry.report("workflow.execution.started", id="w_1")
        >>> seen
        [('workflow.execution.started', 'w_1')]
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self.is_heard = False

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(name, payload)`` for each event from now on; return what detaches it again."""
        self._listeners = (*self._listeners, listener)
        self.is_heard = True

        def detach() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)
            self.is_heard = bool(self._listeners)

        return detach

    def report(self, name: str, /, **payload: object) -> None:
        """Tell all listeners that ``name`` happened."""
        for listener in self._listeners:
            try:
                listener(name, payload)
            except Exception:  # noqa: BLE001 -- whatever a listener does, the work goes on
                _log.exception("a telemetry listener failed on %s", name)
