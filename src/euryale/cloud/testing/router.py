"""What every router provider does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`RouterContract` for a member that only keeps books, :class:`ServingRouterContract` for one that leads
requests somewhere, and give it a fixture ``router``, started, without any route, and ended after each test.

Example::

    class TestMine(ServingRouterContract):
        @pytest.fixture
        async def router(self) -> AsyncIterator[Router]:
            async with my_router() as router:
                yield router
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from euryale.cloud.providers.errors import PermanentError
from euryale.cloud.providers.router.contract import Route, Router
from euryale.cloud.testing.expect import expect, expect_equal, expect_error

_HOST = "production.shop.localhost"
_NOWHERE = "127.0.0.1:1"
_UNAVAILABLE = 503
_NOT_FOUND = 404


@asynccontextmanager
async def upstream(answer: str) -> AsyncIterator[str]:
    """Run a server on a free loopback port that answers every request with ``answer``; gives its ``host:port``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                body = answer.encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        server.close()


async def ask(router: Router, host: str, path: str = "/") -> httpx.Response:
    """Send a request for ``host`` to the router, whatever ``host`` resolves to."""
    port = urlsplit(router.url(host)).port or 80
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host})


class RouterContract:
    """Names, replacement, deletion and inventory: true of every member."""

    async def test_has_a_route_once_it_is_put(self, router: Router) -> None:
        """Putting it again, changed or not, leaves one route."""
        expect_equal(await router.inventory(), frozenset())
        for upstreams in ((), (), (_NOWHERE,), (_NOWHERE, "127.0.0.1:2")):
            await router.put(Route("shop", (_HOST,), upstreams))
            expect_equal(await router.inventory(), frozenset({"shop"}))

    async def test_has_many_routes_put_at_once(self, router: Router) -> None:
        """No route gets lost when many are made together."""
        names = frozenset(f"shop-{number}" for number in range(8))
        await asyncio.gather(*(router.put(Route(name, (f"{name}.localhost",))) for name in names))
        expect_equal(await router.inventory(), names)

    async def test_removes_a_route_and_no_other(self, router: Router) -> None:
        """What is gone is done."""
        await router.put(Route("shop", (_HOST,), (_NOWHERE,)))
        await router.put(Route("blog", ("blog.localhost",)))
        await router.remove("shop")
        await router.remove("shop")
        expect_equal(await router.inventory(), frozenset({"blog"}))

    async def test_refuses_a_host_that_another_route_has(self, router: Router) -> None:
        """A host belongs to one route, until that lets go of it."""
        await router.put(Route("shop", (_HOST, "www.example.com")))
        await expect_error(PermanentError, router.put(Route("thief", ("thief.localhost", "www.example.com"))))
        expect_equal(await router.inventory(), frozenset({"shop"}))
        await router.put(Route("shop", (_HOST,)))
        await router.put(Route("heir", ("www.example.com",)))
        expect_equal(await router.inventory(), frozenset({"shop", "heir"}))

    async def test_refuses_hosts_that_are_none(self, router: Router) -> None:
        """Only host names in lower case, no ports, addresses, wildcards or placeholders."""
        for host in ("", "Shop.localhost", "shop.localhost:80", "a..b", "-a.b", "a-.b", "*.b", "a b", "a/b", "{a}.b"):
            await expect_error(PermanentError, router.put(Route("shop", (host,))))
        for host in ("127.0.0.1", "a\n", "ü.de", "x" * 64 + ".de", ".".join(["x" * 63] * 4)):
            await expect_error(PermanentError, router.put(Route("shop", (host,))))
        await expect_error(PermanentError, router.put(Route("shop", ())))
        expect_equal(await router.inventory(), frozenset())

    async def test_refuses_names_that_are_none(self, router: Router) -> None:
        """Whatever could be read as a path is refused."""
        for name in ("", "..", "a/b", "../a", ".a", "a b", "a\n", "x" * 101):
            await expect_error(PermanentError, router.put(Route(name, (_HOST,))))
            await expect_error(PermanentError, router.remove(name))

    async def test_refuses_upstreams_that_are_none(self, router: Router) -> None:
        """An upstream is a host and a port."""
        for address in ("", "localhost", ":80", "localhost:", "localhost:0", "localhost:65536", "{env.HOME}:80"):
            await expect_error(PermanentError, router.put(Route("shop", (_HOST,), (address,))))

    async def test_drains_at_once_what_is_idle(self, router: Router) -> None:
        """There is nothing to wait for where no request is in flight."""
        async with asyncio.timeout(5):
            await router.drain(_NOWHERE, timeout=30)

    async def test_says_where_a_host_is_reached(self, router: Router) -> None:
        """The address is one for a browser."""
        url = urlsplit(router.url(_HOST))
        expect_equal((url.hostname, url.path), (_HOST, "/"))
        expect(url.scheme in {"http", "https"}, f"no browser opens {url.geturl()}")


class ServingRouterContract(RouterContract):
    """True of every member that leads requests somewhere."""

    async def test_leads_each_host_to_its_upstream(self, router: Router) -> None:
        """Every host of a route leads to the route's upstream."""
        async with upstream("shop") as shop, upstream("blog") as blog:
            await router.put(Route("shop", (_HOST, "www.example.com"), (shop,)))
            await router.put(Route("blog", ("blog.localhost",), (blog,)))
            answers = [(await ask(router, host)).text for host in (_HOST, "www.example.com", "blog.localhost")]
        expect_equal(answers, ["shop", "shop", "blog"])

    async def test_switches_as_soon_as_put_returns(self, router: Router) -> None:
        """The next request after a change goes the new way."""
        async with upstream("one") as one, upstream("two") as two:
            for target, answer in ((one, "one"), (two, "two"), (one, "one"), (two, "two")):
                await router.put(Route("shop", (_HOST,), (target,)))
                expect_equal((await ask(router, _HOST)).text, answer)

    async def test_uses_all_upstreams(self, router: Router) -> None:
        """Requests are spread over the upstreams of a route."""
        async with upstream("one") as one, upstream("two") as two:
            await router.put(Route("shop", (_HOST,), (one, two)))
            answers = {(await ask(router, _HOST)).text for _ in range(40)}
        expect_equal(answers, {"one", "two"})

    async def test_says_that_nothing_is_deployed(self, router: Router) -> None:
        """A route without upstreams answers for itself, before and after it had some."""
        async with upstream("shop") as shop:
            for upstreams, status in (((), _UNAVAILABLE), ((shop,), 200), ((), _UNAVAILABLE)):
                await router.put(Route("shop", (_HOST,), upstreams))
                expect_equal((await ask(router, _HOST)).status_code, status)
        page = (await ask(router, _HOST)).text
        expect("deployed" in page, f"no page for a person: {page}")

    async def test_knows_no_other_hosts(self, router: Router) -> None:
        """Hosts without a route, never made or removed, are not found."""
        async with upstream("shop") as shop:
            await router.put(Route("shop", (_HOST,), (shop,)))
            expect_equal((await ask(router, "blog.localhost")).status_code, _NOT_FOUND)
            await router.remove("shop")
            expect_equal((await ask(router, _HOST)).status_code, _NOT_FOUND)
