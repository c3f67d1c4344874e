"""How a receiver knows that a delivery is ours, whole and fresh. Pure, but for the default clock.

The header is ``Euryale-Signature: t=<unix seconds>,v1=<hex>``, where the hex is the HMAC-SHA256, under the shared
secret, of the seconds as written, a dot, and the body as sent.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Final

from euryale.kit.clock import SYSTEM_CLOCK, Clock
from euryale.kit.secret import Secret

SIGNATURE_HEADER: Final = "Euryale-Signature"
DELIVERY_HEADER: Final = "Euryale-Delivery"


def sign(body: bytes, secret: Secret, at: datetime) -> str:
    """Return the header's value for a body sent at that time."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest(body, secret, seconds)}"


def verify(body: bytes, header: str, secret: Secret, *, tolerance: float = 300.0, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Return whether a delivery is genuine and fresh.

    Args:
        body: The request's body, byte for byte as it came.
        header: The value of ``Euryale-Signature``; of several ``v1`` in it one must fit, as when secrets change.
        secret: The shared secret.
        tolerance: Seconds by which its time may differ from the clock's, so that old deliveries cannot be replayed.
        clock: The receiver's clock.
    """
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for key, _, value in pairs if key == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()):
        return False
    fresh = abs(clock.timestamp() - int(times[0])) <= tolerance
    expected = _digest(body, secret, times[0]).encode()
    fits = [hmac.compare_digest(value.encode(), expected) for key, _, value in pairs if key == "v1"]
    return fresh and any(fits)


def _digest(body: bytes, secret: Secret, seconds: str) -> str:
    return hmac.new(secret.reveal().encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
