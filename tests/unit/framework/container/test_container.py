"""The container: what it makes, in what order, for how long."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, NewType, Protocol

import pytest

from euryale.framework.container import Container, NotResolvableError, Scope, plan_container, provide, supplied, value


class Clock(Protocol):
    def now(self) -> int: ...


class FixedClock:
    def now(self) -> int:
        return 7


@dataclass(frozen=True)
class Settings:
    name: str = "hello"


class Greeter:
    def __init__(self, clock: Clock, settings: Annotated[Settings, "any note"], *, loud: bool = False) -> None:
        self.clock, self.settings, self.loud = clock, settings, loud


async def test_a_class_gets_what_its_constructor_asks_for():
    graph = plan_container([provide(Greeter), value(Settings("x")), provide(FixedClock, as_=Clock)])
    async with Container.open(graph) as container:
        greeter = container.resolve(Greeter)
        assert (greeter.clock.now(), greeter.settings.name, greeter.loud) == (7, "x", False)
        assert container.resolve(Greeter) is greeter
        assert greeter.clock is container.resolve(Clock)


async def test_generators_are_closed_in_reverse_order_after_an_error_as_well():
    log: list[str] = []

    class Pool: ...

    class Cache: ...

    async def pool() -> AsyncIterator[Pool]:
        log.append("pool opened")
        yield Pool()
        log.append("pool closed")

    async def cache(pool: Pool) -> AsyncIterator[Cache]:
        log.append("cache opened")
        try:
            yield Cache()
        finally:
            log.append("cache closed")

    graph = plan_container([provide(cache), provide(pool)])
    with pytest.raises(LookupError):
        async with Container.open(graph):
            raise LookupError
    assert log == ["pool opened", "cache opened", "cache closed"]
    log.clear()
    async with Container.open(graph):
        pass
    assert log == ["pool opened", "cache opened", "cache closed", "pool closed"]


async def test_what_was_opened_is_closed_when_a_later_factory_fails():
    log: list[str] = []

    class Pool: ...

    class Broken: ...

    async def pool() -> AsyncIterator[Pool]:
        try:
            yield Pool()
        finally:
            log.append("closed")

    async def broken(pool: Pool) -> Broken:
        raise OSError("no route")

    with pytest.raises(OSError, match="no route"):
        async with Container.open(plan_container([provide(pool), provide(broken)])):
            pytest.fail("it opened")
    assert log == ["closed"]


async def test_a_call_has_instances_of_its_own_and_shares_the_applications():
    class Shared: ...

    class Unit:
        def __init__(self, shared: Shared) -> None:
            self.shared = shared

    closed: list[Unit] = []

    async def unit(shared: Shared) -> AsyncIterator[Unit]:
        made = Unit(shared)
        yield made
        closed.append(made)

    graph = plan_container([provide(Shared), provide(unit, scope=Scope.CALL)])
    async with Container.open(graph) as container:
        async with container.call() as first:
            one = await first.get(Unit)
            assert await first.get(Unit) is one
            assert one.shared is container.resolve(Shared)
        assert closed == [one]
        async with container.call() as second:
            assert await second.get(Unit) is not one
        with pytest.raises(NotResolvableError, match="lives for one call"):
            container.resolve(Unit)


async def test_a_supplied_instance_is_handed_over_when_the_scope_opens():
    UserName = NewType("UserName", str)

    class Visit:
        def __init__(self, user: UserName) -> None:
            self.user = user

    graph = plan_container([supplied(UserName), provide(Visit, scope=Scope.CALL)])
    async with Container.open(graph) as container:
        async with container.call({UserName: "ann"}) as call:
            assert (await call.get(Visit)).user == "ann"
        async with container.call() as call:
            with pytest.raises(NotResolvableError, match="was not handed over"):
                await call.get(Visit)


async def test_a_default_stands_if_nobody_provides_the_type():
    class Extra: ...

    class Service:
        def __init__(self, extra: Extra | None = None) -> None:
            self.extra = extra

    async with Container.open(plan_container([provide(Service)])) as container:
        assert container.resolve(Service).extra is None
    async with Container.open(plan_container([provide(Service), provide(Extra)])) as container:
        assert isinstance(container.resolve(Service).extra, Extra)


async def test_an_override_takes_the_place_of_a_provider():
    class OtherClock(FixedClock):
        def now(self) -> int:
            return 8

    graph = plan_container([provide(FixedClock, as_=Clock)], overrides=[provide(OtherClock, as_=Clock)])
    async with Container.open(graph) as container:
        assert container.resolve(Clock).now() == 8


async def test_it_provides_itself_and_says_so_when_it_is_asked_too_early():
    class Late:
        def __init__(self, container: Container) -> None:
            self.container = container
            with pytest.raises(NotResolvableError, match="not made yet"):
                container.resolve(Settings)

    graph = plan_container([provide(Late), value(Settings())])
    # a value is made in the order of the providers, so Late comes before it here
    async with Container.open(graph) as container:
        late = container.resolve(Late)
        assert late.container is container
        assert late.container.resolve(Settings) == Settings()


async def test_invoke_fills_keyword_only_parameters_by_their_types():
    async def greet(word: str, *, settings: Settings, times: int = 2) -> str:
        return f"{word} {settings.name}" * times

    async with (
        Container.open(plan_container([value(Settings("x"))])) as container,
        container.call() as call,
    ):
        assert await call.invoke(greet, "hi") == "hi xhi x"
