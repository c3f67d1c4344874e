"""OpenTelemetry traces of executions. Needs the extra ``telemetry``; spans go where the application's SDK sends them.

One trace tells an execution, whoever drives it: the span ``start`` in the process that asked for it, a span for each
time that a worker drove it, below that one for each attempt at a step or a compensation. Children are below the
execution that calls them. A tick of a schedule begins a trace of its own, with the span ``schedule`` of the worker that
was the first to fire it. The context is kept with the execution: a worker in another process, or after a crash, goes
on with the trace. A span that was under way in a process that died is lost with it, as everywhere.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from euryale.kit.telemetry import Telemetry
from euryale.workflows.runtime import reports
from euryale.workflows.runtime.failure import Failure

_Payload = Mapping[str, Any]
_AttemptKey = tuple[str, str]
_PREFIX: Final = "euryale."
_TOLD: Final = (
    "schedule",
    "tick",
    "by_hand",
    "workflow",
    "execution",
    "root",
    "parent",
    "step",
    "worker",
    "epoch",
    "attempt",
    "queue",
)
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class EngineTraces:
    """Makes spans of what engines report.

    Args:
        tracer_provider: Who makes the spans; default: the application's global one.

    Example:
        >>> engine = Engine(SQLiteStore("orders.db"), workflows=[place_order])
        >>> detach = EngineTraces().attach(engine.telemetry)
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("euryale.workflows", tracer_provider=tracer_provider)

    def attach(self, telemetry: Telemetry) -> Callable[[], None]:
        """Trace an engine from now on; return what ends that."""
        return telemetry.attach(_Listener(self._tracer).listen)


class _Listener:
    """Follows one engine.

    An attempt's span is the current one while the step runs, so that what the step does is told below it.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer
        self._executions: dict[str, Span] = {}
        self._ticks: dict[str, Span] = {}
        self._attempts: dict[_AttemptKey, tuple[Span, Any]] = {}
        self._handlers: Mapping[str, Callable[[_Payload], None]] = {
            reports.STARTING: self._starting,
            reports.FIRING: self._firing,
            reports.FIRED: self._fired,
            reports.SKIPPED: self._tick_skipped,
            reports.LATE: self._tick_late,
            reports.CLAIMED: self._claimed,
            reports.LET_GO: self._let_go,
            reports.FINISHED: self._finished,
            reports.TURNED: self._turned,
            reports.ATTEMPT_STARTED: lambda payload: self._attempt_started("step", payload),
            reports.ATTEMPT_ENDED: self._attempt_ended,
            reports.UNDO_STARTED: lambda payload: self._attempt_started("undo", payload),
            reports.UNDO_ENDED: self._attempt_ended,
        }

    def listen(self, name: str, payload: _Payload) -> None:
        """Take a report."""
        handler = self._handlers.get(name)
        if handler is not None:
            handler(payload)

    def _starting(self, payload: _Payload) -> None:
        """Tell that an execution is asked for, below whoever asks: what the execution is told below is kept with it."""
        parent = self._executions.get(payload["parent"])
        context = contexts.get_current() if parent is None else trace.set_span_in_context(parent)
        with self._tracer.start_as_current_span(
            f"start {payload['workflow']}", context=context, kind=SpanKind.PRODUCER, attributes=_attributes(payload)
        ):
            _PROPAGATOR.inject(payload["carrier"])

    def _firing(self, payload: _Payload) -> None:
        """Tell that a tick is to fire: nobody asks for it. By hand, it is told below whoever does."""
        span = self._ticks[payload["execution"]] = self._tracer.start_span(
            f"schedule {payload['schedule']}",
            context=contexts.get_current() if payload["by_hand"] else Context(),
            kind=SpanKind.PRODUCER,
            attributes=_attributes(payload),
        )
        _PROPAGATOR.inject(payload["carrier"], trace.set_span_in_context(span))

    def _fired(self, payload: _Payload) -> None:
        if (span := self._ticks.pop(payload["execution"], None)) is not None:
            if payload["cancelled"]:
                span.set_attribute(f"{_PREFIX}cancelled", payload["cancelled"])
            span.end()

    def _tick_skipped(self, payload: _Payload) -> None:
        if (span := self._ticks.pop(payload["execution"], None)) is not None:
            span.set_attribute(f"{_PREFIX}skipped", payload["reason"])
            span.end()

    def _tick_late(self, payload: _Payload) -> None:
        """Forget the span, which is never told as it does not end: another worker's is the tick's."""
        self._ticks.pop(payload["execution"], None)

    def _claimed(self, payload: _Payload) -> None:
        context = _PROPAGATOR.extract({"traceparent": payload["trace"]}, context=Context())
        attributes = _attributes(payload)
        links = []
        if not payload["first"]:
            attributes |= {f"{_PREFIX}worker.former": payload["former"] or payload["worker"]}
            why = "takeover" if payload["former"] else "resumption"
            started = trace.get_current_span(context).get_span_context()
            links = [Link(started, {f"{_PREFIX}link": why, **attributes})] if started.is_valid else []
        self._executions[payload["execution"]] = self._tracer.start_span(
            f"workflow {payload['workflow']}",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            links=links,
        )

    def _turned(self, payload: _Payload) -> None:
        if (span := self._executions.get(payload["execution"])) is not None:
            span.add_event("compensating")

    def _finished(self, payload: _Payload) -> None:
        span = self._executions.get(payload["execution"])
        if span is None:
            return
        span.set_attribute(f"{_PREFIX}status", payload["status"])
        if payload["status"] != "succeeded":
            span.set_attribute(f"{_PREFIX}reason", payload["reason"])
            _mark(span, payload["failure"], payload["status"])

    def _let_go(self, payload: _Payload) -> None:
        span = self._executions.pop(payload["execution"], None)
        if span is None:
            return
        span.set_attribute(f"{_PREFIX}let_go", payload["cause"])
        if payload["cause"] in {"lost", "stranded"}:
            _mark(span, None, payload["cause"])
        span.end()

    def _attempt_started(self, what: str, payload: _Payload) -> None:
        if not payload["name"]:  # a child: it has spans of its own
            return
        parent = self._executions.get(payload["execution"])
        context = Context() if parent is None else trace.set_span_in_context(parent)
        attributes = {**_attributes(payload), f"{_PREFIX}undo": what == "undo"}
        span = self._tracer.start_span(f"{what} {payload['name']}", context=context, attributes=attributes)
        token = contexts.attach(trace.set_span_in_context(span))
        self._attempts[payload["execution"], payload["step"]] = span, token

    def _attempt_ended(self, payload: _Payload) -> None:
        span, token = self._attempts.pop((payload["execution"], payload["step"]), (None, None))
        if span is None or token is None:
            return
        contexts.detach(token)
        span.set_attribute(f"{_PREFIX}outcome", payload["outcome"])
        if payload["outcome"] != "succeeded":
            _mark(span, payload["failure"], payload["outcome"])
        span.end()


def _attributes(payload: _Payload) -> dict[str, str | int | float | bool]:
    return {f"{_PREFIX}{name}": payload[name] for name in _TOLD if payload.get(name) not in {None, ""}}


def _mark(span: Span, failure: Failure | None, otherwise: str) -> None:
    """Mark an error, in the words that the journal keeps: without secrets."""
    span.set_status(Status(StatusCode.ERROR, failure.message if failure else otherwise))
    if failure is not None:
        attributes = {"exception.type": failure.error, "exception.message": failure.message}
        if failure.trace:
            attributes["exception.stacktrace"] = failure.trace
        span.add_event("exception", attributes)
