from pathlib import Path

from euryale.cloud.providers.runtime.process.environment import compose, listening_on


def composed(variables: dict[str, str], machine: dict[str, str] | None = None) -> dict[str, str]:
    return compose(
        variables,
        machine=machine or {},
        path=[Path("/tools/bin"), Path("/artifact/.venv/bin")],
        home=Path("/home"),
        temporary=Path("/temporary"),
        token="run_1",
    )


def test_runtime_decides_what_concerns_the_machine() -> None:
    env = listening_on(composed({"PATH": "/evil", "HOME": "/", "HOST": "0.0.0.0", "PORT": "80", "LANG": "de"}), 21_000)
    assert env == {
        "EURYALE_INSTANCE": "run_1",
        "HOME": "/home",
        "HOST": "127.0.0.1",
        "LANG": "de",
        "PATH": "/tools/bin:/artifact/.venv/bin:/usr/local/bin:/usr/bin:/bin",
        "PORT": "21000",
        "TMPDIR": "/temporary",
    }


def test_of_the_platforms_own_only_certificates_are_handed_on() -> None:
    machine = {"SSL_CERT_FILE": "/a.pem", "NODE_EXTRA_CA_CERTS": "/b.pem", "AWS_SECRET_ACCESS_KEY": "no", "USER": "no"}
    env = composed({"SSL_CERT_FILE": "/mine.pem"}, machine)
    assert (env["SSL_CERT_FILE"], env["NODE_EXTRA_CA_CERTS"]) == ("/mine.pem", "/b.pem")
    assert "no" not in env.values()
