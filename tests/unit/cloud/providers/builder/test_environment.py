from pathlib import Path

from euryale.cloud.providers.builder.process.environment import Writable, build_environment, install_environment


def _environment(user: dict[str, str], manager: str = "npm") -> dict[str, str]:
    return build_environment(
        operator={"SSL_CERT_FILE": "/ca", "HTTPS_PROXY": "http://proxy", "DATABASE_PASSWORD": "x", "PATH": "/sbin"},
        plan={"NODE_ENV": "production", "A": "plan"},
        user=user,
        path=[Path("/tools/bin")],
        writable=Writable(home=Path("/home"), downloads=Path("/cache"), temporary=Path("/scratch")),
        manager=manager,
    )


def test_passes_on_certificates_and_proxies_and_nothing_else_of_the_platform() -> None:
    found = _environment({})
    assert found["SSL_CERT_FILE"] == "/ca"
    assert found["HTTPS_PROXY"] == "http://proxy"
    assert "DATABASE_PASSWORD" not in found


def test_the_user_wins_over_the_plan_but_not_over_what_the_platform_needs() -> None:
    found = _environment({"A": "user", "PATH": "/evil", "HOME": "/root", "npm_config_cache": "/root", "TMPDIR": "/tmp"})
    assert found["A"] == "user"
    assert found["PATH"] == "/tools/bin:/usr/local/bin:/usr/bin:/bin"
    assert (found["HOME"], found["TMPDIR"], found["npm_config_cache"]) == ("/home", "/scratch", "/cache")


def test_an_install_knows_no_node_env() -> None:
    found = install_environment(_environment({"NODE_ENV": "production"}))
    assert "NODE_ENV" not in found
    assert found["A"] == "plan"


def test_only_pnpm_hears_what_npm_would_warn_of() -> None:
    assert _environment({}, "pnpm")["npm_config_package_import_method"] == "copy"
    assert "npm_config_package_import_method" not in _environment({})
