"""Is the instance there, and whose is it?"""

from api.calls.call import Answer, Ask, Call


class Health(Ask, frozen=True, kw_only=True):
    """Nothing need be said."""


class Healthy(Answer, frozen=True, kw_only=True):
    """The instance answers."""

    status: str
    version: str
    origin: str  # fingerprint of the root key
    log_size: int
    writable: bool
    caller: str  # login of who asks, empty when nobody in particular
    now: str


HEALTH = Call("health", "GET", "/health", Health, Healthy, "", "Tell that the instance answers, and whose it is.")

CALLS = (HEALTH,)
