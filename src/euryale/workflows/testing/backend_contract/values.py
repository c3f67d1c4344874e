"""What a backend promises of values: what goes in comes out, of the same type, or is refused."""

import importlib
import importlib.util
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from euryale.kit.secret import Secret
from euryale.workflows.definition.composer import transform
from euryale.workflows.definition.step import step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.errors import ExecutionReverted, IdempotencyError, PayloadError, UnknownExecutionError
from euryale.workflows.record.states import Status
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect


class _Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class _Label:
    text: str
    colour: _Colour


@dataclass(frozen=True)
class _Parcel:
    weight: Decimal
    packed: datetime
    due: date
    lasts: timedelta
    seal: bytes
    number: UUID
    folder: Path
    labels: tuple[_Label, ...]
    stock: dict[str, int]
    note: str | None = None


_PARCEL = _Parcel(
    weight=Decimal("1.10"),
    packed=datetime(2024, 2, 29, 23, 59, 58, 123456, UTC),
    due=date(2024, 3, 1),
    lasts=timedelta(days=2, microseconds=5),
    seal=b"\x00\xff",
    number=UUID(int=7),
    folder=Path("a") / "b",
    labels=(_Label("ünïcode \U0001f4e6", _Colour.RED), _Label("", _Colour.BLUE)),
    stock={"tea": 2**53 - 1, "air": -1},
)
_PLAIN: tuple[object, ...] = (
    *("text", 7, -0.5, True, b"\x00\xff", Decimal("0.10"), _Colour.BLUE, UUID(int=3)),
    *(_PARCEL.packed, _PARCEL.due, _PARCEL.lasts, _PARCEL.folder, _PARCEL.labels[0]),
)


@dataclass(frozen=True)
class _Login:
    user: str
    password: Secret


def _echo(kind: Any, seen: list[object]) -> Workflow[Any, Any]:
    """Return a workflow that takes and gives such a value, and shows it to a step on its way."""

    async def show(value: Any) -> Any:
        seen.append(value)
        return value

    show.__annotations__ = {"value": kind, "return": kind}
    shown = step(show)

    def echo(value: Any) -> Any:
        return shown.named("again")(shown(value))

    echo.__annotations__ = {"value": kind, "return": kind}
    return workflow(f"echo-{kind.__name__}")(echo)


def _pydantic_model() -> Any:
    """Return a model, or None where pydantic is not installed."""
    if importlib.util.find_spec("pydantic") is None:
        return None
    model = importlib.import_module("pydantic").create_model("Box", weight=(Decimal, ...), packed=(datetime, ...))
    return model(weight="1.10", packed=_PARCEL.packed)


class ValuesContract:
    """Inputs, outputs, and what is computed of them."""

    async def test_values_keep_their_types(self, new_backend: BackendFactory) -> None:
        """As inputs, between steps, and as results: all that travels, a model of pydantic's where that is installed."""
        model = _pydantic_model()
        values = [*_PLAIN, _PARCEL, *([] if model is None else [model])]
        seen: list[object] = []
        echoes = [(each, _echo(type(each), seen)) for each in values]
        async with opened(new_backend, *(echo for _, echo in echoes)) as backend:
            for value, echo in echoes:
                handle = await backend.start(echo, value)
                results = (await handle.result(), await backend.result(handle.id))
                expect([(type(each), each) for each in (*seen, *results)], [(type(value), value)] * 4)
                seen.clear()

    async def test_a_part_of_a_value_may_be_passed(self, new_backend: BackendFactory) -> None:
        """An attribute or an item, of the input or an output."""
        seen: list[tuple[Decimal, _Colour, int]] = []

        @step
        async def parcel(of: _Parcel) -> _Parcel:
            return of

        @step
        async def look(weight: Decimal, colour: _Colour, *, tea: int) -> Decimal:
            seen.append((weight, colour, tea))
            return weight

        @workflow("parts")
        def parts(value: _Parcel) -> Decimal:
            given = parcel(value)
            return look(given.weight, value.labels[1].colour, tea=given.stock["tea"])

        async with opened(new_backend, parts) as backend:
            expect(await backend.run(parts, _PARCEL), Decimal("1.10"))
        expect(seen, [(Decimal("1.10"), _Colour.BLUE, 2**53 - 1)])

    async def test_values_are_computed(self, new_backend: BackendFactory) -> None:
        """Of inputs, outputs and constants, for steps and for the result, from values of their types."""

        @step
        async def pack(parcel: _Parcel) -> _Parcel:
            return parcel

        @step
        async def later(when: datetime) -> datetime:
            return when + timedelta(days=1)

        @workflow("computing")
        def computing(parcel: _Parcel) -> list[str]:
            packed = pack(parcel)
            due = later(transform(lambda each: each.packed + each.lasts, packed))
            return transform(lambda *each: [str(part) for part in each], due, parcel.weight, ("x", packed.number))

        async with opened(new_backend, computing) as backend:
            expect(
                await backend.run(computing, _PARCEL),
                ["2024-03-03 23:59:58.123461+00:00", "1.10", str(("x", UUID(int=7)))],
            )

    async def test_secrets_travel(self, new_backend: BackendFactory) -> None:
        """In inputs and outputs; the text of an error does not show them."""

        @step
        async def rotate(login: _Login) -> _Login:
            return _Login(login.user, Secret(f"{login.password.reveal()}-rotated"))

        @step
        async def use(login: _Login) -> Secret:
            if login.user == "eve":
                raise ValueError(f"{login.password.reveal()} is not accepted")
            return login.password

        @workflow("rotation")
        def rotation(login: _Login) -> Secret:
            return use(rotate(login))

        async with opened(new_backend, rotation) as backend:
            for _ in range(2):  # the second one joins: it is the same input, however it is encrypted
                result = await backend.run(rotation, _Login("ann", Secret("open sesame")), id="e")
                expect(result, Secret("open sesame-rotated"))
            await caught(IdempotencyError, backend.start(rotation, _Login("ann", Secret("another")), id="e"))
            error = await caught(ExecutionReverted, backend.run(rotation, _Login("eve", Secret("please open"))))
            expect(("is not accepted" in str(error), "please open" in str(error)), (True, False))

    async def test_an_input_that_cannot_travel_is_refused(self, new_backend: BackendFactory) -> None:
        """Nothing is started: neither with a foreign object, nor with a value of another type."""
        scene = Scene()
        a = scene.step("a")

        @workflow("strict")
        def strict(value: str) -> str:
            return a(value)

        foreign: Any = object()
        number: Any = 7
        async with opened(new_backend, strict) as backend:
            await caught(PayloadError, backend.start(strict, foreign, id="e"))
            await caught(PayloadError, backend.run(strict, number, id="f"))
            await caught(UnknownExecutionError, backend.get("e"))
            await caught(UnknownExecutionError, backend.get("f"))
        expect(scene.effects.done(), ())

    async def test_an_output_that_cannot_travel_fails_its_step(self, new_backend: BackendFactory) -> None:
        """And what ran is undone; nobody gets it."""
        scene = Scene()
        a, b = scene.steps("ab")

        @step
        async def give(what: str) -> str:
            answers: dict[str, Any] = {"foreign": object(), "number": 7}
            answer: str = answers[what.removesuffix("a")]  # it breaks its word
            return answer

        @workflow("broken-word")
        def broken_word(value: str) -> str:
            return b(give(a(value)))

        async with opened(new_backend, broken_word) as backend:
            for number, value in enumerate(("foreign", "number"), 1):
                error = await caught(ExecutionReverted, backend.run(broken_word, value, id=value))
                expect((error.step, error.error), ("give", "workflows.payload"))
                expect(await backend.wait(value), Status.REVERTED)
                expect((scene.effects.done(), scene.effects.undone()), (("a",) * number, ("a:undo-a",) * number))
