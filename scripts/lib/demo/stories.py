"""What the demo does with each application: the same story, told in its terms."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from demo.failures import DemoError
from demo.site import Site

EXAMPLES: Final = Path(__file__).parents[3] / "examples"

_QUOTED: Final = re.compile(r'(MESSAGE = ")[^"]*(")')


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was stored in production.

    Attributes:
        id: Its id in the application.
        title: What it says.
    """

    id: str
    title: str


class Story(Protocol):
    """An application of ``examples/``, and how it is used."""

    name: str
    message_file: str
    entry: str
    ready_within: float

    def variables(self) -> dict[str, str]:
        """Return the variables to set for the project."""
        ...

    def tour(self, site: Site) -> list[str]:
        """Look at what everybody can see; return what was seen."""
        ...

    def message(self, site: Site) -> str:
        """Return what its own route says."""
        ...

    def add(self, site: Site, title: str) -> Entry:
        """Store something."""
        ...

    def titles(self, site: Site) -> dict[str, str]:
        """Return what is stored: title by id, as a visitor sees it."""
        ...

    def change(self, site: Site, entry: Entry, title: str) -> None:
        """Change what is stored."""
        ...


def rewrite_message(repository: Path, story: Story, message: str) -> None:
    """Change the message in the application's source.

    Raises:
        DemoError: If it is not where it is expected.
    """
    file = repository / story.message_file
    changed, count = _QUOTED.subn(rf"\g<1>{message}\g<2>", file.read_text("utf-8"))
    if count != 1:
        raise DemoError(f"{file} holds no message to change")
    file.write_text(changed, "utf-8")


@dataclass(slots=True)
class HelloStory:
    """``examples/hello``: greetings."""

    name: str = "hello"
    message_file: str = "hello/message.py"
    entry: str = "greeting"
    ready_within: float = 300.0

    def variables(self) -> dict[str, str]:
        """Return none: it needs nothing besides its database."""
        return {}

    def tour(self, site: Site) -> list[str]:
        """Ask for its health and its front."""
        health = site.ask("/health")["status"]
        return [f"GET /health: {health}", f"GET /: {self.message(site)}"]

    def message(self, site: Site) -> str:
        """Return what ``GET /`` says."""
        return str(site.ask("/")["message"])

    def add(self, site: Site, title: str) -> Entry:
        """Greet, by that name."""
        greeting = site.ask("/greetings", method="POST", body={"name": title})
        return Entry(greeting["id"], greeting["name"])

    def titles(self, site: Site) -> dict[str, str]:
        """Return who has greeted."""
        return {each["id"]: each["name"] for each in site.ask("/greetings?limit=200")["items"]}

    def change(self, site: Site, entry: Entry, title: str) -> None:
        """Rename who greeted."""
        site.ask(f"/greetings/{entry.id}", method="PATCH", body={"name": title})


@dataclass(slots=True)
class ShopStory:
    """``examples/medusa-shop``: products."""

    name: str = "medusa-shop"
    message_file: str = "src/api/greeting/message.ts"
    entry: str = "product"
    ready_within: float = 1800.0
    email: str = "owner@shop.test"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def variables(self) -> dict[str, str]:
        """Return the first user of the admin."""
        return {"USER_INITIAL_EMAIL": self.email, "USER_INITIAL_PASSWORD": self.password}

    def tour(self, site: Site) -> list[str]:
        """Ask for its health, its admin, its store and its own route."""
        admin = site.text("/app")
        if "<html" not in admin.lower():
            raise DemoError(f"{site.url}/app is no page: {admin[:200]!r}")
        products = site.ask("/store/products", headers=self._customer(site))["count"]
        return [
            f"GET /health: {site.text('/health')}",
            f"GET /app: the admin, {len(admin)} bytes of HTML",
            f"GET /store/products: {products} products",
            f"GET /greeting: {self.message(site)}",
        ]

    def message(self, site: Site) -> str:
        """Return what ``GET /greeting`` says."""
        return str(site.ask("/greeting")["message"])

    def add(self, site: Site, title: str) -> Entry:
        """Create a product, as the shop's owner."""
        owner = self._owner(site)
        channel = site.ask("/admin/sales-channels", headers=owner)["sales_channels"][0]["id"]
        price = {"currency_code": "eur", "amount": 12}
        variant = {"title": "One", "options": {"Size": "One"}, "manage_inventory": False, "prices": [price]}
        body = {
            "title": title,
            "status": "published",
            "options": [{"title": "Size", "values": ["One"]}],
            "sales_channels": [{"id": channel}],
            "variants": [variant],
        }
        product = site.ask("/admin/products", method="POST", body=body, headers=owner)["product"]
        return Entry(product["id"], product["title"])

    def titles(self, site: Site) -> dict[str, str]:
        """Return the products, as a customer sees them."""
        listed = site.ask("/store/products?limit=100&fields=id,title", headers=self._customer(site))["products"]
        return {product["id"]: product["title"] for product in listed}

    def change(self, site: Site, entry: Entry, title: str) -> None:
        """Rename a product, as the shop's owner."""
        site.ask(f"/admin/products/{entry.id}", method="POST", body={"title": title}, headers=self._owner(site))

    def _owner(self, site: Site) -> dict[str, str]:
        said = {"email": self.email, "password": self.password}
        token: Any = site.ask("/auth/user/emailpass", method="POST", body=said)["token"]
        return {"authorization": f"Bearer {token}"}

    def _customer(self, site: Site) -> dict[str, str]:
        keys = site.ask("/admin/api-keys?type=publishable", headers=self._owner(site))["api_keys"]
        return {"x-publishable-api-key": keys[0]["token"]}


STORIES: Final[dict[str, type[HelloStory] | type[ShopStory]]] = {"hello": HelloStory, "medusa-shop": ShopStory}
