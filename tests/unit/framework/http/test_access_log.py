"""The access log is a listener of telemetry."""

import logging

import pytest

from euryale.framework.http.access_log import log_requests
from euryale.framework.http.observation import REQUEST_FINISHED
from euryale.kit.telemetry import Telemetry


def test_each_request_is_one_line(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="euryale.access")
    telemetry = Telemetry()
    stop = log_requests(telemetry)
    payload = {"method": "GET", "path": "/a", "status": 200, "seconds": 0.0123, "request_id": "r-1"}
    telemetry.report(REQUEST_FINISHED, route="/a", **payload)
    telemetry.report("other", x=1)
    stop()
    telemetry.report(REQUEST_FINISHED, route="/a", **payload)
    assert caplog.messages == ["GET /a 200 12.3 ms r-1"]


def test_a_path_cannot_end_its_line_or_speak_to_the_terminal(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="euryale.access")
    telemetry = Telemetry()
    stop = log_requests(telemetry)
    path = "/a:b@c\nGET /forged\x1b[31m"
    telemetry.report(REQUEST_FINISHED, method="GET", path=path, status=404, seconds=0.0, request_id="r-1")
    stop()
    assert caplog.messages == ["GET /a:b@c%0AGET%20/forged%1B%5B31m 404 0.0 ms r-1"]
