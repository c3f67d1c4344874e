import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from euryale.cloud.providers.notifier.signature import sign, verify
from euryale.kit.clock import ManualClock
from euryale.kit.secret import Secret

AT = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = Secret("whsec_1")


def test_the_signature_is_the_documented_one():
    seconds = int(AT.timestamp())
    digest = hmac.new(b"whsec_1", b"%d." % seconds + b'{"a":1}', hashlib.sha256).hexdigest()
    assert sign(b'{"a":1}', SECRET, AT) == f"t={seconds},v1={digest}"


@given(st.binary())
def test_what_was_signed_is_verified_and_nothing_else_is(body):
    header, clock = sign(body, SECRET, AT), ManualClock(AT)
    assert verify(body, header, SECRET, clock=clock)
    assert not verify(body + b" ", header, SECRET, clock=clock)
    assert not verify(body, header, Secret("other"), clock=clock)


@pytest.mark.parametrize(("seconds", "fresh"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_old_and_early_deliveries_are_refused(seconds, fresh):
    clock = ManualClock(AT)
    clock.set_wall_clock(seconds)
    assert verify(b"x", sign(b"x", SECRET, AT), SECRET, clock=clock) is fresh


def test_a_changed_time_is_refused():
    header = sign(b"x", SECRET, AT).replace("t=17", "t=18")
    assert not verify(b"x", header, SECRET, tolerance=1e12, clock=ManualClock(AT))


def test_one_fitting_signature_of_several_does():
    header = sign(b"x", SECRET, AT)
    time, _, signature = header.partition(",")
    assert verify(b"x", f"{time},v1=00,{signature}", SECRET, clock=ManualClock(AT))


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "v1=00", "t=1", "t=1,t=2,v1=0", "t=\u0661,v1=0", "t=1,v1=\u00e9", "a", "t=-1,v1=0"]
)
def test_headers_that_make_no_sense_are_refused(header):
    assert not verify(b"x", header, SECRET, clock=ManualClock(AT))
