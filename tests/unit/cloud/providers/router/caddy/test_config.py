from pathlib import Path

from euryale.cloud.providers.router.caddy.config import Acme, Settings, document, route_entry, route_name
from euryale.cloud.providers.router.contract import Route

SETTINGS = Settings(bind="127.0.0.1", port=8080, admin=Path("/r/admin.sock"), log=Path("/r/caddy.log"))
ROUTE = Route("shop", ("a.localhost", "b.localhost"), ("127.0.0.1:1", "127.0.0.1:2"))


def test_route_reads_its_upstreams_from_files() -> None:
    entry = route_entry(ROUTE, [Path("/r/0"), Path("/r/1")])
    (handler,) = entry["handle"]
    assert entry["match"] == [{"host": ["a.localhost", "b.localhost"]}]
    assert handler["upstreams"] == [{"dial": "{file./r/0}"}, {"dial": "{file./r/1}"}]
    assert route_name(entry) == "shop"


def test_route_without_upstreams_answers_by_itself() -> None:
    (handler,) = route_entry(Route("shop", ("a.localhost",)), [])["handle"]
    assert (handler["handler"], handler["status_code"]) == ("static_response", 503)


def test_unknown_hosts_come_last_and_are_no_route() -> None:
    server = document(SETTINGS, [route_entry(ROUTE, [])])["apps"]["http"]["servers"]["euryale"]
    assert [route_name(route) for route in server["routes"]] == ["shop", None]
    assert server["routes"][-1]["handle"][0]["status_code"] == 404


def test_plain_http_asks_nobody_for_certificates() -> None:
    apps = document(SETTINGS, [])["apps"]
    assert apps["http"]["servers"]["euryale"]["automatic_https"] == {"disable": True}
    assert "tls" not in apps


def test_https_has_an_issuer_with_the_email() -> None:
    settings = Settings("", 443, Path("/a"), Path("/l"), Acme("ops@example.com", "https://ca.example/directory", 8081))
    apps = document(settings, [])["apps"]
    (policy,) = apps["tls"]["automation"]["policies"]
    assert policy["issuers"] == [{"module": "acme", "email": "ops@example.com", "ca": "https://ca.example/directory"}]
    assert (apps["http"]["http_port"], apps["http"]["https_port"]) == (8081, 443)
    assert "automatic_https" not in apps["http"]["servers"]["euryale"]
