"""Prometheus metrics of engines. Needs the extra ``metrics``; how they are served is the application's choice."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from euryale.kit.telemetry import Telemetry
from euryale.workflows.runtime import reports

_Payload = Mapping[str, Any]
_MINUTE, _HOUR = 60.0, 3600.0
_LONG: Final = (0.01, 0.1, 0.5, 1, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 6 * _HOUR, 24 * _HOUR)
_SHORT: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, _MINUTE, 5 * _MINUTE)
_WRITES: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class EngineMetrics:
    """Counts what engines report.

    Labels are names of workflows, steps and queues alone: items of a ``for_each`` count as one step.

    Args:
        registry: Where the metrics are registered; default: the process's own.

    Raises:
        ValueError: If that registry has them already: several engines share one ``EngineMetrics``.

    Example:
        >>> engine = Engine(SQLiteStore("orders.db"), workflows=[place_order])
        >>> detach = EngineMetrics().attach(engine.telemetry)
        >>> prometheus_client.start_http_server(9464)
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._executions = _Executions(registry)
        self._steps = _Steps(registry)
        self._workers = _Workers(registry)

    def attach(self, telemetry: Telemetry) -> Callable[[], None]:
        """Count what an engine does from now on; return what ends that."""
        handlers = {**self._executions.handlers(), **self._steps.handlers(), **self._workers.handlers()}

        def listen(name: str, payload: _Payload) -> None:
            if (handler := handlers.get(name)) is not None:
                handler(payload)

        return telemetry.attach(listen)


_Handlers = Mapping[str, Callable[[_Payload], None]]


class _Executions:
    def __init__(self, registry: CollectorRegistry) -> None:
        workflow = ("workflow",)
        self._created = Counter("euryale_executions_created", "Executions created.", workflow, registry=registry)
        self._running = Gauge(
            "euryale_executions_running", "Executions driven by this process.", workflow, registry=registry
        )
        self._finished = Counter(
            "euryale_executions_finished", "Executions that ended.", ("workflow", "status"), registry=registry
        )
        self._seconds = Histogram(
            "euryale_execution_seconds",
            "From an execution's creation to its end.",
            ("workflow", "status"),
            buckets=_LONG,
            registry=registry,
        )
        self._waited = Histogram(
            "euryale_queue_wait_seconds",
            "How long a new execution was due before a worker claimed it.",
            ("workflow", "queue"),
            buckets=_LONG,
            registry=registry,
        )
        self._stranded = Counter(
            "euryale_executions_stranded", "Executions found stranded.", workflow, registry=registry
        )
        self._lost = Counter("euryale_executions_lost", "Executions taken over by others.", workflow, registry=registry)

    def handlers(self) -> _Handlers:
        return {
            reports.CREATED: lambda payload: self._created.labels(payload["workflow"]).inc(),
            reports.CLAIMED: self._claimed,
            reports.LET_GO: self._let_go,
            reports.FINISHED: self._ended,
            reports.STRANDED: lambda payload: self._stranded.labels(payload["workflow"]).inc(),
        }

    def _claimed(self, payload: _Payload) -> None:
        self._running.labels(payload["workflow"]).inc()
        if payload["first"] and payload["waited"] is not None:
            self._waited.labels(payload["workflow"], payload["queue"]).observe(payload["waited"])

    def _let_go(self, payload: _Payload) -> None:
        self._running.labels(payload["workflow"]).dec()
        if payload["cause"] == "lost":
            self._lost.labels(payload["workflow"]).inc()

    def _ended(self, payload: _Payload) -> None:
        self._finished.labels(payload["workflow"], payload["status"]).inc()
        self._seconds.labels(payload["workflow"], payload["status"]).observe(payload["seconds"])


class _Steps:
    def __init__(self, registry: CollectorRegistry) -> None:
        step, outcome = ("workflow", "step"), ("workflow", "step", "outcome")
        self._attempts = Histogram(
            "euryale_step_attempt_seconds", "Attempts at steps.", outcome, buckets=_SHORT, registry=registry
        )
        self._retries = Counter("euryale_step_retries", "Attempts that another one follows.", step, registry=registry)
        self._undos = Histogram(
            "euryale_compensation_attempt_seconds", "Attempts to undo.", outcome, buckets=_SHORT, registry=registry
        )
        self._given_up = Counter("euryale_compensations_given_up", "Not undone, for good.", step, registry=registry)

    def handlers(self) -> _Handlers:
        return {
            reports.ATTEMPT_ENDED: lambda payload: self._observe(self._attempts, payload),
            reports.UNDO_ENDED: lambda payload: self._observe(self._undos, payload),
            reports.RETRYING: lambda payload: self._retries.labels(*_step_of(payload)).inc(),
            reports.UNDO_FAILED: lambda payload: self._given_up.labels(*_step_of(payload)).inc(),
        }

    @staticmethod
    def _observe(histogram: Histogram, payload: _Payload) -> None:
        histogram.labels(*_step_of(payload), payload["outcome"]).observe(payload["seconds"])


class _Workers:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._writes = Histogram(
            "euryale_store_write_seconds", "Writes of a batch of commits.", buckets=_WRITES, registry=registry
        )
        self._sizes = Histogram("euryale_store_write_commits", "Commits in a batch.", buckets=_SIZES, registry=registry)
        self._refused = Counter("euryale_store_commits_refused", "Commits of a stale owner.", registry=registry)
        self._away = Counter("euryale_store_unavailable", "Writes that found the store away.", registry=registry)
        self._losses = Counter("euryale_lease_losses", "This worker was taken for dead.", registry=registry)
        self._reaped = Counter("euryale_workers_reaped", "Workers that this one found dead.", registry=registry)

    def handlers(self) -> _Handlers:
        return {
            reports.WRITTEN: self._written,
            reports.AWAY: lambda _: self._away.inc(),
            reports.WORKER_LOST: lambda _: self._losses.inc(),
            reports.WORKERS_REAPED: lambda payload: self._reaped.inc(len(payload["workers"])),
        }

    def _written(self, payload: _Payload) -> None:
        self._writes.observe(payload["seconds"])
        self._sizes.observe(payload["commits"])
        self._refused.inc(payload["refused"])


def _step_of(payload: _Payload) -> tuple[str, str]:
    """Return the labels of a step: items of a ``for_each`` and handlers of a hook are those of their node."""
    return payload["workflow"], payload["step"].partition("[")[0]
