"""An engine over the network: TLS both ways, with the client's key by reference only."""

import functools
import tempfile
from pathlib import Path

import pytest

from api.settings import secret_of
from cas.problems import Problem
from cas.records.deploy import Receipt
from cas.store import load
from targets.contract import World
from targets.engine.host import adapter as host_adapter
from tests.live.conftest import ADAPTERS, delivery
from tests.support.certificates import CLIENT, SERVER, Authority
from tests.support.delivery import target
from tests.support.hosts import Host
from tests.support.shop import CONTAINER, everything, release, version

TLS_PORT = 2376
HOOK = b'[ "$DOCKER_TLS_VERIFY" = 1 ] && [ -s "$DOCKER_CERT_PATH/key.pem" ] && echo "$DOCKER_HOST"'


class Papers:
    """PEM files of an engine and its clients, as an operator would lay them down."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder, self.ours, self.theirs = folder, Authority("ours"), Authority("theirs")
        self.texts = {}
        self.keep("ca", self.ours.pem)
        self.keep("foreign-ca", self.theirs.pem)
        for name, authority, usage, addresses in (
            ("server", self.ours, SERVER, ("127.0.0.1",)),
            ("client", self.ours, CLIENT, ()),
            ("foreign", self.theirs, CLIENT, ()),
        ):
            certificate, key = authority.issue(name, usage, *addresses)
            self.keep(f"{name}-cert", certificate)
            self.keep(f"{name}-key", key)

    def keep(self, name, text):
        path = self.folder / f"{name}.pem"
        path.touch(0o600)
        path.write_text(text)
        self.texts[name] = text

    def path(self, name):
        return f"{self.folder}/{name}.pem"

    def settings(self, *, authority="ca", client="client"):
        return {
            "tls_ca": f"file:{self.path(authority)}",
            "tls_certificate": f"file:{self.path(client + '-cert')}",
            "tls_key": f"file:{self.path(client + '-key')}",
        }


@pytest.fixture(scope="module")
def papers(live_root):
    return Papers(live_root / "papers")


@pytest.fixture(scope="module")
def secured(live_root, papers):
    host = Host(
        "secured",
        live_root / "engines",
        more=(
            f"--host=tcp://127.0.0.1:{TLS_PORT}",
            "--tlsverify",
            f"--tlscacert={papers.path('ca')}",
            f"--tlscert={papers.path('server-cert')}",
            f"--tlskey={papers.path('server-key')}",
        ),
    )
    try:
        yield host.start()
    finally:
        host.remove()


@pytest.fixture
def host(secured, registry):
    secured.clean()
    secured.see(registry.port)
    yield secured
    for port in list(secured.relays):
        secured.close(port)


@pytest.fixture(params=["docker_host", "compose_host"])
def kind(request, compose_program):
    return request.param, {"compose": compose_program} if request.param == "compose_host" else {}


def instance(host, kind, **settings):
    name, more = kind
    one = target("secured", name, directory=str(host.files), settle_seconds="1", **more, **settings)
    return delivery(one, outside={"secret": functools.partial(secret_of, home=Path("/nonexistent/home"))})


def failures(made, ended):
    """What to show when a deployment failed."""
    receipts = [load(made.world.store, name, Receipt) for one in ended.result.outcomes for name in one.receipts]
    logs = [made.world.store.get(one.log) for one in receipts if one.log]
    return [(one.code, one.result) for one in ended.result.outcomes], [one for one in receipts if one.code], logs


def test_a_release_is_deployed_over_tls_and_no_record_holds_the_key(host, kind, papers, registry, web, monkeypatch):
    url = f"tcp://127.0.0.1:{host.show(TLS_PORT)}"
    made = instance(host, kind, url=url, hooks="run", **papers.settings())
    own = Path(tempfile.mkdtemp(dir=host_adapter.MEMORY))  # other tests lay out theirs beside it
    monkeypatch.setattr(host_adapter, "MEMORY", own)
    for number in (1, 2):
        files = {"conf/app.conf": b"a = 1\n", "deploy.stella.sh": HOOK}
        ended = made.deploy(release(made, registry, web, number, files=files))
        assert ended.result.result == "deployed", failures(made, ended)
        assert version(host) == number
        assert everything(host) == {CONTAINER: "running"}
    kept = [made.world.store.get(name) for name in made.world.store.digests()]
    assert any(url.encode() + b"\n" == data for data in kept), (
        "the hook was told where the engine is, and how to be let in"
    )
    for line in papers.texts["client-key"].encode().splitlines()[1:-1]:
        assert not any(line in data for data in kept)
    own.rmdir()  # what was laid out for the tools is gone


def test_a_key_may_come_from_the_environment_and_nothing_else_does(host, kind, papers, registry, web, monkeypatch):
    """Who is trusted, and who is asked, is what the settings say, whatever programs are told by the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", papers.path("foreign-ca"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SHOP_ENGINE_KEY", papers.texts["client-key"])
    given = papers.settings() | {"tls_key": "env:SHOP_ENGINE_KEY"}
    made = instance(host, kind, url=f"https://127.0.0.1:{host.show(TLS_PORT)}", **given)
    ended = made.deploy(release(made, registry, web, 1))
    assert ended.result.result == "deployed", failures(made, ended)
    assert version(host) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client": "foreign"}, "target.untrusted"),
        ({"authority": "foreign-ca"}, "target.untrusted"),
        ({"authority": "absent"}, "target.secret_missing"),
    ],
    ids=["a_client_the_engine_does_not_know", "an_engine_we_do_not_know", "a_reference_that_leads_nowhere"],
)
def test_who_is_not_trusted_changes_nothing(host, kind, papers, registry, web, wrong, code):
    url = f"tcp://127.0.0.1:{host.show(TLS_PORT)}"
    good = instance(host, kind, url=url, **papers.settings())
    good.deploy(release(good, registry, web, 1))
    before = everything(host)
    good.targets = tuple(replace_settings(one, url=url, **papers.settings(**wrong)) for one in good.targets)
    good.place()
    ended = good.deploy(release(good, registry, web, 2))
    assert ended.result.result == "failed"
    assert [one.code for one in ended.result.outcomes] == [code]
    assert everything(host) == before
    assert version(host) == 1


def replace_settings(one, **settings):
    return target(one.name, one.type, **{**dict(one.settings), **settings})


def observe(one, world):
    return ADAPTERS[one.type].observe(one, "sha256:" + "0" * 64, "shop", (), world)


class Kept(World):
    """Secrets as the product resolves them; nothing else is asked for."""

    def secret(self, source):
        return secret_of(source, home=Path("/nonexistent/home"))


@pytest.mark.parametrize(
    ("address", "client", "code"),
    [
        ("tcp://localhost:{port}", True, "target.untrusted"),  # the certificate names 127.0.0.1 only
        ("tcp://127.0.0.1:{port}", False, "target.unreachable"),  # plain HTTP to a TLS port
        ("tcp://127.0.0.1:1", True, "target.unreachable"),
    ],
    ids=["another_name", "without_tls", "nobody_there"],
)
def test_an_engine_that_cannot_be_believed_is_not_used(host, papers, address, client, code):
    url = address.format(port=host.show(TLS_PORT))
    settings = papers.settings() if client else {}
    one = target("secured", "docker_host", url=url, directory=str(host.files), **settings)
    with pytest.raises(Problem) as refused:
        observe(one, Kept())
    assert refused.value.code == code
