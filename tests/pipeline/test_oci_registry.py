import httpx
import pytest

from pipeline.adapters.oci_registry import (
    AddressRefused,
    OciRegistry,
    RegistryDenied,
    RegistryInvalid,
    RegistryMissing,
    RegistrySettings,
    RegistryTooLarge,
    RegistryUnavailable,
)
from tests.support.images import compact, sha

PUBLIC = "93.184.215.14"


class Answers:
    """A registry's side: answers by (name, path), and what was asked."""

    def __init__(self, **given):
        self.given = given
        self.asked = []

    def __call__(self, request):
        host = request.headers["host"]
        self.asked.append((host, request.url.path, request.headers.get("authorization", ""), request.url.host))
        found = self.given.get(request.url.path) or httpx.Response(404)
        return streamed(found(request) if callable(found) else found)


def streamed(response):
    """What a network gives: a body that has not been read yet."""
    if not response.is_stream_consumed:
        return response
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))


def registry(answers, addresses=None, **settings):
    table = {"reg.example": [PUBLIC], "cdn.example": ["93.184.215.15"], "auth.example": [PUBLIC], **(addresses or {})}
    known = {"host": "reg.example", "resolve": lambda host, port: table[host], **settings}
    return OciRegistry(RegistrySettings(**known), transport=httpx.MockTransport(answers))


def at(path, response):
    return Answers(**{path: response})


MANIFEST = "/v2/acme/api/manifests/v1"


def test_a_manifest_is_hashed_by_us_whatever_the_header_says():
    lying = httpx.Response(200, content=b"{}", headers={"Docker-Content-Digest": "sha256:" + "0" * 64})
    found = registry(at(MANIFEST, lying)).manifest("acme/api", "v1")
    assert found.digest == sha(b"{}")


def test_all_four_media_types_are_accepted():
    seen = []

    def look(request):
        seen.append(request.headers["accept"])
        return httpx.Response(200, content=b"{}")

    registry(at(MANIFEST, look)).manifest("acme/api", "v1")
    assert seen[0].count("application/vnd.") == 4


def test_the_connection_goes_to_the_address_resolved_once_under_the_registrys_name():
    served = at(MANIFEST, lambda request: httpx.Response(200, content=b"{}"))
    calls = []
    source = registry(served, resolve=lambda host, port: calls.append(host) or [PUBLIC])
    source.manifest("acme/api", "v1")
    source.manifest("acme/api", "v1")
    assert calls == ["reg.example"]
    assert {(host, address) for host, _, _, address in served.asked} == {("reg.example", PUBLIC)}


def token_flow(realm="https://reg.example/token"):
    def manifest(request):
        if request.headers.get("authorization") == "Bearer good":
            return httpx.Response(200, content=b"{}")
        challenge = f'Bearer realm="{realm}",service="reg",scope="repository:acme/api:pull"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    return Answers(**{MANIFEST: manifest, "/token": httpx.Response(200, json={"token": "good"})})


def test_a_token_is_fetched_for_pulling_this_repository_only():
    served = token_flow()
    assert registry(served).manifest("acme/api", "v1").data == b"{}"
    assert [path for _, path, _, _ in served.asked] == [MANIFEST, "/token", MANIFEST]


def test_credentials_are_resolved_at_use_and_go_to_the_token_service():
    served = token_flow()
    registry(served, credential=lambda: ("me", "pw")).manifest("acme/api", "v1")
    assert [auth[:6] for _, _, auth, _ in served.asked] == ["", "Basic ", "Bearer"]


def test_a_token_service_on_another_host_gets_no_credentials_unless_it_is_named():
    served = token_flow("https://auth.example/token")
    with pytest.raises(RegistryDenied):
        registry(served, credential=lambda: ("me", "pw")).manifest("acme/api", "v1")
    assert all(host == "reg.example" for host, _, _, _ in served.asked)
    served = token_flow("https://auth.example/token")
    registry(served, credential=lambda: ("me", "pw"), also=("auth.example",)).manifest("acme/api", "v1")


BLOB = sha(b"layer")
BLOB_PATH = f"/v2/acme/api/blobs/{BLOB}"


def redirecting(location):
    return Answers(
        **{
            BLOB_PATH: lambda request: (
                httpx.Response(307, headers={"Location": location})
                if request.headers.get("authorization")
                else httpx.Response(401, headers={"WWW-Authenticate": "Basic realm=x"})
            ),
            "/stored": httpx.Response(200, content=b"layer"),
        }
    )


def test_a_redirect_never_carries_credentials():
    served = redirecting("https://cdn.example/stored")
    assert b"".join(registry(served, credential=lambda: ("me", "pw")).blob("acme/api", BLOB)) == b"layer"
    assert [auth for host, _, auth, _ in served.asked if host == "cdn.example"] == [""]


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.example/stored",
        "file:///etc/passwd",
        "https://internal.example/stored",
        "https://user:pw@cdn.example/stored",
        "https://cdn.example:99999/",
        "https://meta.example/stored",
    ],
)
def test_a_redirect_to_where_we_may_not_go_is_refused(location):
    inside = {"internal.example": ["10.0.0.1"], "meta.example": ["169.254.169.254"]}
    served = redirecting(location)
    source = registry(served, inside, credential=lambda: ("me", "pw"), allow_private=True)
    with pytest.raises((AddressRefused, RegistryInvalid)):
        b"".join(source.blob("acme/api", BLOB))
    assert all(host == "reg.example" for host, _, _, _ in served.asked)


def test_redirects_in_a_circle_end():
    served = redirecting(f"https://reg.example{BLOB_PATH}")
    with pytest.raises((RegistryInvalid, RegistryDenied)):
        b"".join(registry(served, credential=lambda: ("me", "pw")).blob("acme/api", BLOB))
    assert len(served.asked) < 10


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"]
)
def test_private_addresses_are_refused_unless_the_record_allows_them(address):
    served = at(MANIFEST, httpx.Response(200, content=b"{}"))
    with pytest.raises(AddressRefused):
        registry(served, {"reg.example": [address]}).manifest("acme/api", "v1")
    assert served.asked == []
    if address != "0.0.0.0":
        registry(served, {"reg.example": [address]}, allow_private=True).manifest("acme/api", "v1")


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(AddressRefused):
        registry(Answers(), {"reg.example": [PUBLIC, "10.0.0.1"]}).manifest("acme/api", "v1")


def test_plain_http_is_for_loopback_or_what_is_allowed():
    with pytest.raises(AddressRefused):
        registry(Answers(), http=True)
    registry(at(MANIFEST, httpx.Response(200, content=b"{}")), http=True, allow_http=True).manifest("acme/api", "v1")
    OciRegistry(RegistrySettings(host="127.0.0.1:5000", http=True)).close()


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, RegistryMissing),
        (401, RegistryDenied),
        (403, RegistryDenied),
        (429, RegistryUnavailable),
        (503, RegistryUnavailable),
        (400, RegistryInvalid),
        (204, RegistryInvalid),
    ],
)
def test_each_status_has_its_problem(status, problem):
    with pytest.raises(problem):
        registry(at(MANIFEST, lambda request: httpx.Response(status))).manifest("acme/api", "v1")


def test_a_manifest_over_four_mebibytes_is_refused_before_it_is_read_whole():
    sent = []

    def endless():
        while True:
            sent.append(1)
            yield bytes(1 << 20)

    with pytest.raises(RegistryTooLarge):
        registry(at(MANIFEST, lambda request: httpx.Response(200, content=endless()))).manifest("acme/api", "v1")
    assert len(sent) < 10


def test_a_broken_connection_is_unavailable():
    def broken(request):
        raise httpx.ConnectError("no")

    with pytest.raises(RegistryUnavailable):
        registry(broken).manifest("acme/api", "v1")


SUBJECT = "sha256:" + "1" * 64
DESCRIPTOR = {"digest": "sha256:" + "2" * 64, "artifactType": "application/sbom"}


@pytest.mark.parametrize(
    "path", [f"/v2/acme/api/referrers/{SUBJECT}", f"/v2/acme/api/manifests/{SUBJECT.replace(':', '-')}"]
)
def test_referrers_come_from_the_api_or_the_fallback_tag(path):
    index = compact({"schemaVersion": 2, "manifests": [DESCRIPTOR, {"digest": "nonsense"}]})
    source = registry(at(path, lambda request: httpx.Response(200, content=index)))
    assert source.referrers("acme/api", SUBJECT) == (DESCRIPTOR,)
    assert source.referrers("acme/api", SUBJECT, "application/other") == ()


def test_no_referrers_is_an_empty_answer():
    assert registry(Answers()).referrers("acme/api", SUBJECT) == ()
