"""Watching must not break what is watched."""

from collections.abc import Mapping
from typing import Any

import pytest

from euryale.kit.telemetry import Telemetry


def test_every_listener_hears_until_it_is_detached():
    telemetry = Telemetry()
    heard: list[tuple[str, str, Mapping[str, Any]]] = []
    detach = telemetry.attach(lambda name, payload: heard.append(("first", name, payload)))
    telemetry.attach(lambda name, payload: heard.append(("second", name, payload)))
    telemetry.report("a.happened", name="n", id=1)
    detach()
    detach()
    telemetry.report("b.happened")
    assert heard == [
        ("first", "a.happened", {"name": "n", "id": 1}),
        ("second", "a.happened", {"name": "n", "id": 1}),
        ("second", "b.happened", {}),
    ]


def test_a_listener_that_raises_is_logged_and_passed_over(caplog: pytest.LogCaptureFixture):
    def fail(_name: str, _payload: Mapping[str, Any]) -> None:
        raise OSError("no disk")

    telemetry = Telemetry()
    heard: list[str] = []
    telemetry.attach(fail)
    telemetry.attach(lambda name, _: heard.append(name))
    telemetry.report("a.happened")
    assert heard == ["a.happened"]
    assert "failed on a.happened" in caplog.text
    assert "no disk" in caplog.text


def test_a_listener_may_detach_itself():
    telemetry = Telemetry()
    heard: list[str] = []

    def once(name: str, _payload: Mapping[str, Any]) -> None:
        heard.append(name)
        detach()

    detach = telemetry.attach(once)
    telemetry.attach(lambda name, _: heard.append(f"other {name}"))
    telemetry.report("a")
    telemetry.report("b")
    assert heard == ["a", "other a", "other b"]
