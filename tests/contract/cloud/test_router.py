"""The members of the router family keep their contract."""

from collections.abc import AsyncIterator

import pytest

from caddy_root import caddies_of, caddy_root, free_tcp_port, router_in
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.router.memory import MemoryRouter
from euryale.cloud.testing.router import RouterContract, ServingRouterContract


class TestMemory(RouterContract):
    @pytest.fixture
    def router(self) -> Router:
        return MemoryRouter()


class TestCaddy(ServingRouterContract):
    @pytest.fixture
    async def router(self) -> AsyncIterator[Router]:
        with caddy_root() as root:
            router = router_in(root, free_tcp_port())
            await router.start()
            yield router
            await router.shutdown()
            assert caddies_of(root) == []
