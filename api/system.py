"""The instance's clock and randomness. The only module that asks the machine for either."""

import secrets
import time
from datetime import UTC, datetime

from cas.records.base import Instant, Nonce

FORM = "%Y-%m-%dT%H:%M:%SZ"


class SystemClock:
    """The machine's clock: whole seconds, UTC, never going back within this process.

    What is captured now is never earlier than the newest instant the log holds (``not_before``).
    """

    def __init__(self) -> None:
        self._newest = "1970-01-01T00:00:00Z"

    def not_before(self, instant: Instant) -> None:
        """Never again give an earlier instant than this one."""
        self._newest = max(self._newest, instant)

    def now(self) -> Instant:
        """Give the instant, whole seconds, UTC."""
        read = datetime.now(tz=UTC).strftime(FORM)
        self._newest = max(self._newest, read)  # instants sort as text
        return self._newest


class SystemEntropy:
    """The machine's randomness."""

    def nonce(self) -> Nonce:
        """Give 128 fresh random bits in hex."""
        return secrets.token_hex(16)

    def token(self) -> str:
        """Give 256 fresh random bits, URL-safe."""
        return secrets.token_urlsafe(32)


def seconds() -> int:
    """Give seconds since 1970: when a request is sent, never a fact of an instance."""
    return int(time.time())
