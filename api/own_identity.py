"""A CI job's own identity, exchanged for a bearer token: CI keeps no secret. Must not know what is asked with it.

Where the settings name an audience, the job's system is asked for an identity token: GitHub Actions, GitLab, Buildkite,
CircleCI, Google Cloud, as the library ``id`` knows them. The bearer token lives in this process only.
"""

from api.settings import Settings
from cas.problems import Category, Problem


class IdentityMissing(Problem):
    """No identity token is to be had where the settings ask for one."""

    code = "auth.identity_missing"
    category = Category.DENIED
    title = "This job has no identity to show"
    remedy = "Let the job ask for it (GitHub: permissions id-token: write; GitLab: id_tokens), or set STELLA_ID_TOKEN."


def token_of(settings: Settings, server: str) -> str:
    """Give the bearer token to ask a server with: the settings' own, or one in exchange; empty where there is neither.

    Raises: auth.identity_missing, auth.identity_invalid, auth.identity_refused, api.server_unreachable
    """
    if settings.token or settings.key or server.startswith("unix:"):
        return settings.token
    identity = settings.identity_token or (_ambient(settings.identity_audience) if settings.identity_audience else "")
    return _exchanged(server, identity) if identity else ""


def _ambient(audience: str) -> str:
    from id import IdentityError, detect_credential  # noqa: PLC0415 - asked for in CI jobs only

    try:
        found = detect_credential(audience)
    except IdentityError as error:
        raise IdentityMissing(audience=audience[:200], reason=str(error)[:200]) from error
    if not found:
        raise IdentityMissing(audience=audience[:200], reason="no known CI system around")
    return str(found)


def _exchanged(server: str, identity: str) -> str:
    from api.calls.tokens import EXCHANGE, ExchangeToken  # noqa: PLC0415
    from api.client import Client  # noqa: PLC0415

    with Client(server) as unnamed:
        return unnamed.ask(EXCHANGE, ExchangeToken(identity_token=identity)).token
