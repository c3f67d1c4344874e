"""What must type-check, and what must not, for those who write workflows. Read by mypy, never run.

A line that must not check carries the ignore that it needs; mypy complains when that is not needed any more.
"""

from dataclasses import dataclass
from typing import assert_type

from euryale.workflows import Engine, StepResponse, inject, parallelize, step, transform, when, workflow
from euryale.workflows.stores.memory import MemoryStore


@dataclass(frozen=True)
class Order:
    item: str
    amount: int


class Stock:
    async def reserve(self, item: str) -> int:
        return len(item)

    async def release(self, reservation: int) -> None: ...


@step
async def reserve(item: str, *, stock: Stock = inject()) -> StepResponse[str, int]:
    return StepResponse(item, undo=await stock.reserve(item))


@reserve.compensate
async def _release(undo: int | None, *, item: str, stock: Stock = inject()) -> None:
    if undo is not None:
        await stock.release(undo)


@step
async def charge(amount: int) -> bool:
    return amount > 0


@charge.compensate
def _refund(undo: bool | None, *, amount: int) -> None: ...  # noqa: FBT001 -- the step's output


@charge.compensate  # type: ignore[arg-type]
def _wrong_undo(undo: str | None) -> None: ...


@charge.compensate  # type: ignore[arg-type]
def _undo_may_be_none(undo: bool) -> None: ...  # noqa: FBT001 -- the step's output


@step
def thank(item: str) -> str:
    return f"thanks for {item}"


@workflow("order")
def place_order(order: Order) -> str:
    reserved, charged = parallelize(reserve(order.item), charge(order.amount))
    assert_type(reserved, str)
    assert_type(charged, bool)
    charge(order.item)  # type: ignore[arg-type]
    charge()  # type: ignore[call-arg]
    thanks = when(charged, lambda paid: paid).then(lambda: thank(reserved)).otherwise(lambda: thank("nothing"))
    assert_type(thanks, str)
    assert_type(transform(len, thanks), int)
    return thanks


async def run() -> None:
    async with Engine(MemoryStore(), workflows=[place_order], services={Stock: Stock()}) as engine:
        assert_type(await engine.run(place_order, Order("tea", 3)), str)
        await engine.run(place_order, "tea")  # type: ignore[misc]
        handle = await engine.start(place_order, Order("tea", 3))
        assert_type(await handle.result(), str)
