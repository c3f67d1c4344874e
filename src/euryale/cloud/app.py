"""The composition root of the platform: the only file that names concrete providers."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field
from starlette.types import ASGIApp, Receive, Scope, Send

from euryale.cloud.api import ERROR_STATUSES, ROUTERS
from euryale.cloud.audit import Audit
from euryale.cloud.home import Home
from euryale.cloud.host.toolchains import Toolchains
from euryale.cloud.jobs.reconciler import Reconciler
from euryale.cloud.logs import LogBook
from euryale.cloud.modules.access import ACCESS, Access, Role
from euryale.cloud.modules.deployments import DEPLOYMENTS
from euryale.cloud.modules.ledger import LEDGER
from euryale.cloud.modules.projects import PROJECTS
from euryale.cloud.providers.builder.contract import Builder
from euryale.cloud.providers.builder.process.builder import ProcessBuilder
from euryale.cloud.providers.database.contract import Database as Databases
from euryale.cloud.providers.database.postgres import PostgresClusters
from euryale.cloud.providers.errors import ProviderError
from euryale.cloud.providers.notifier.broadcast import Broadcast
from euryale.cloud.providers.notifier.contract import Notifier
from euryale.cloud.providers.notifier.log import LogNotifier
from euryale.cloud.providers.notifier.webhook import WebhookNotifier
from euryale.cloud.providers.router.caddy.router import CaddyRouter
from euryale.cloud.providers.router.contract import Router
from euryale.cloud.providers.runtime.contract import Runtime
from euryale.cloud.providers.runtime.process.runtime import ProcessRuntime
from euryale.cloud.providers.source.checkouts import Checkouts
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.providers.source.git.http_app import GitHttpApp
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.git.source import GitSource
from euryale.cloud.providers.source.remotes import PushInbox, Remotes
from euryale.cloud.pushes import Pushes
from euryale.cloud.settings import PlatformSettings
from euryale.cloud.subscribers import SUBSCRIBERS
from euryale.cloud.workflows.operations import ALL_WORKFLOWS, Operations
from euryale.cloud.workflows.retirement import Retirement
from euryale.cloud.workflows.revival import Revival
from euryale.cloud.workflows.turns import Turns
from euryale.framework.app import Application, WorkflowSettings
from euryale.framework.config import Settings
from euryale.framework.container import Container, Provider, provide
from euryale.framework.data import DatabaseSettings
from euryale.kit.secret import Secret


class CloudSettings(Settings):
    """All settings of the platform; the databases and keys follow from ``platform.data``."""

    platform: PlatformSettings = Field(default_factory=PlatformSettings)
    database: DatabaseSettings
    workflows: WorkflowSettings


def derived_settings(home: Home) -> dict[str, Any]:
    """Return the settings that follow from the platform's directory."""
    return {
        "database": {"url": Secret(f"sqlite:///{home.control}"), "encryption_keys": (home.key,)},
        "workflows": {"path": home.executions, "encryption_keys": (home.key,)},
    }


async def _home(settings: PlatformSettings) -> AsyncIterator[Home]:
    """Keep a second platform away before anything is touched: everything else is made from this."""
    home = Home.at(settings.data)
    async with home.sole_use():
        yield home


def _remotes(settings: PlatformSettings, home: Home) -> GitRemotes:
    return GitRemotes(home.path / "remotes", url=f"http://{settings.host}:{settings.port}/git")


def _source(remotes: GitRemotes, home: Home) -> Source:
    return GitSource(home.path / "mirrors", remotes=remotes)


def _as_remotes(remotes: GitRemotes) -> Remotes:
    return remotes


def _as_inbox(app: GitHttpApp) -> PushInbox:
    return app


def _checkouts(home: Home) -> Checkouts:
    return Checkouts(home.path / "checkouts")


def _databases(home: Home) -> Databases:
    return PostgresClusters(home.path / "databases")


def _toolchains(home: Home) -> Toolchains:
    return Toolchains(home.path)


def _builder(settings: PlatformSettings, home: Home, toolchains: Toolchains) -> Builder:
    return ProcessBuilder(
        home.path / "builds",
        toolchains=toolchains,
        slots=settings.build_slots,
        minimum_free_disk=settings.minimum_free_disk,
    )


def _make_runtime(home: Home, toolchains: Toolchains) -> ProcessRuntime:
    return ProcessRuntime(home.path / "apps", toolchains=toolchains)


async def _runtime(home: Home, toolchains: Toolchains) -> Runtime:
    """Bring back what ran before the machine went down, before the engine goes on with what is to replace it."""
    runtime = _make_runtime(home, toolchains)
    await runtime.revive()
    return runtime


def make_router(settings: PlatformSettings, home: Home) -> CaddyRouter:
    """Return the router, not started."""
    return CaddyRouter(home.path / "router", port=settings.http_port, bind=settings.host)


async def _router(settings: PlatformSettings, home: Home) -> AsyncIterator[Router]:
    """Start the router before the engine, whose recovered steps need it at once."""
    router = make_router(settings, home)
    await router.start()
    try:
        yield router
    finally:
        await router.stop()


def _notifier(settings: PlatformSettings, home: Home) -> Notifier:
    log = LogNotifier(home.path / "notifications.jsonl")
    if not settings.webhook_url:
        return log
    webhook = WebhookNotifier(settings.webhook_url, secret=home.webhook_secret, root=home.path)
    return Broadcast(log, webhook)


def _pushes(remotes: GitRemotes, pushes: Pushes) -> GitHttpApp:
    greeting = "Euryale: received. Follow it with: euryale deployments {name}"
    return GitHttpApp(remotes, authorize=pushes.authorize, on_push=pushes.take, greeting=greeting)


def _logs(home: Home, builder: Builder, runtime: Runtime) -> LogBook:
    return LogBook(home.path / "logs", builder, runtime)


_FACTORIES = (
    _home,
    _remotes,
    _as_remotes,
    _source,
    _checkouts,
    _databases,
    _toolchains,
    _builder,
    _runtime,
    _router,
    _notifier,
    _pushes,
    _as_inbox,
    _logs,
)
_CLASSES = (Audit, Turns, Operations, Pushes, Revival, Retirement, Reconciler)
PROVIDERS: tuple[Provider, ...] = (*[provide(each) for each in _FACTORIES], *[provide(each) for each in _CLASSES])


class OwnerToken:
    """Lets the token in the platform's directory in."""

    def __init__(self, access: Access, home: Home) -> None:
        self._access = access
        self._home = home

    async def start(self) -> None:
        """Issue the token that the directory holds."""
        await self._access.issue("owner", Role.OWNER, self._home.token)

    async def stop(self) -> None:
        """Nothing is to be done."""


class _GitMount:
    """Hands requests below ``/git`` to the platform's remotes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        container: Container = scope["app"].state.container
        app: ASGIApp = container.resolve(GitHttpApp)
        await app(scope, receive, send)


def build(*overrides: Provider) -> Application:
    """Return the platform, put together and validated, but not running.

    Args:
        overrides: Providers that replace others, as in a test.
    """
    app = Application(
        "euryale",
        settings=CloudSettings,
        modules=[PROJECTS, DEPLOYMENTS, LEDGER, ACCESS],
        providers=[*PROVIDERS, provide(OwnerToken)],
        workflows=ALL_WORKFLOWS,
        subscribers=SUBSCRIBERS,
        routers=ROUTERS,
        services=[OwnerToken, Reconciler],
        error_statuses=ERROR_STATUSES,
        overrides=overrides,
    )
    app.asgi.mount("/git", _GitMount())
    return app


async def shut_down(settings: PlatformSettings) -> None:
    """End everything of a platform that outlives it: applications, builds, databases, the router. Data is kept.

    The platform itself must not run.
    """
    home = Home.at(settings.data)
    toolchains = _toolchains(home)
    builder, databases = _builder(settings, home, toolchains), _databases(home)
    runtime = _make_runtime(home, toolchains)
    await make_router(settings, home).shutdown()
    for name in sorted(await builder.inventory()):
        pipeline, _, build_name = name.partition("/")
        if build_name and await _is_running(builder, pipeline, build_name):
            await builder.destroy(pipeline, build_name)
    for name in sorted(await runtime.inventory()):
        app, _, instance = name.partition("/")
        if instance:
            await runtime.stop(app, instance)
    for name in sorted(await databases.inventory()):
        project, _, branch = name.partition("/")
        if branch:
            await databases.suspend(project, branch)


async def _is_running(builder: Builder, pipeline: str, name: str) -> bool:
    try:
        return (await builder.poll(pipeline, name)).state == "running"
    except ProviderError:
        return False
