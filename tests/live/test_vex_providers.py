"""The four set-ups of docs/howto/vex-providers.md, typed as they stand, against real registries."""

import ipaddress
import json
import re
import shlex
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from api.cli.program import main
from tests.support import vex_images
from tests.support.certificates import SERVER, Authority
from tests.support.images import MANIFEST
from tests.support.registry import Registry
from tests.support.vex_images import ISSUER, SIGSTORE, SUBJECT, VENDOR

pytestmark = pytest.mark.live
PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "vex-providers.md"
CREDENTIAL = "robot:hunter2"
HTPASSWD = "robot:$2b$04$soTVHMplzA6PvwhOsADNW.TSTCvZlRJNLiLTV8CETwVCw/JbAUCy.\n"  # bcrypt of hunter2
DOCUMENTS = (vex_images.keyed, vex_images.keyless, vex_images.spoiled, vex_images.bare)
BY_KEY = ["verified", "unsigned", "bad", "unsigned"]
BY_CERTIFICATE = ["unsigned", "verified", "unsigned", "unsigned"]


class Typed:
    """A person at a terminal who types a chapter of the page, with the names of this machine."""

    def __init__(self, folder, capsys, address):
        self.folder, self.capsys, self.address = folder, capsys, address
        (folder / "cosign.pub").write_text(f"-----BEGIN PUBLIC KEY-----\n{VENDOR.key.spki}\n-----END PUBLIC KEY-----\n")
        (folder / "trusted_root.json").write_bytes(SIGSTORE.trusted_root)
        self.run("key generate me")
        self.run("init --login me --key me")

    def run(self, line, code=0):
        words = shlex.split(line)
        found = main([*words, "--home", str(self.folder / "home")])
        told = self.capsys.readouterr()
        assert found == code, f"{line}: {told.out}{told.err}"
        return told.out + told.err

    def chapter(self, title):
        """Type a chapter's commands; give what the last one answered, as JSON."""
        text = PAGE.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        for ours, theirs in (
            ("registry.example", self.address),
            ("https://issuer.example", ISSUER),
            ("release@vendor.example", SUBJECT),
        ):
            text = text.replace(ours, theirs)
        block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].replace("\\\n", " ")
        lines = [line.removeprefix("stella ") for line in block.splitlines()]
        assert len(lines) == 3
        for line in lines[:-1]:
            self.run(line)
        return json.loads(self.run(f"{lines[-1]} -o json"))


def statuses(pulled):
    return [one["status"] for one in pulled["pull"]["statements"]]


def here(pulled):
    return [one["standing"] for one in pulled["receipts"]]


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch):
    """A home whose settings name the hosts that these tests use."""
    for name in ("STELLA_HOME", "STELLA_KEY", "STELLA_SERVER", "STELLA_TOKEN", "STELLA_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VENDOR_REGISTRY", CREDENTIAL)

    def made(address):
        profiles = tmp_path / ".stella" / "profiles"
        profiles.mkdir(parents=True)
        (profiles / "default.toml").write_text(f'allowed_hosts = ["{address}"]\nkey = "{tmp_path / "me"}"\n')
        return Typed(tmp_path, capsys, address)

    return made


def contents():
    """The vendor's image and, beside it, four statements: by key, keyless, changed after signing, unsigned."""
    layout, image = vex_images.image(name="app:v1")
    documents = [make(image, f"CVE-2024-{at}") for at, make in enumerate(DOCUMENTS)]
    beside, tag = vex_images.attach(layout, image, *documents)
    return layout, layout.names[0][1], beside, tag


@pytest.fixture
def vendor(bad_registry):
    layout, image, beside, tag = contents()
    bad_registry.push("acme/app", layout, image, "v1")
    bad_registry.push("acme/app", layout, beside, tag)
    return bad_registry.address


def test_keyless(desk, vendor):
    pulled = desk(vendor).chapter("Keyless")
    assert (statuses(pulled), here(pulled)) == (BY_CERTIFICATE, BY_CERTIFICATE)
    assert pulled["receipts"][1]["signers"] == [f"sigstore:{ISSUER}#{SUBJECT}"]


def test_key_pair(desk, vendor):
    typed = desk(vendor)
    pulled = typed.chapter("Key pair")
    assert (statuses(pulled), here(pulled)) == (BY_KEY, BY_KEY)
    assert pulled["receipts"][0]["signers"] == ["vendor"]
    again = json.loads(typed.run("vex providers pull vendor -o json"))
    assert {one["known"] for one in again["receipts"]} == {True}
    assert statuses(again) == BY_KEY


def test_a_trusted_root_of_its_own_offline(desk, vendor):
    typed = desk("registry.example")
    layout, *_ = contents()
    layout.write(typed.folder / "layout")
    pulled = typed.chapter("Trusted root of its own, offline")
    assert (statuses(pulled), here(pulled)) == (BY_CERTIFICATE, BY_CERTIFICATE)
    assert "vex.provider_offline" in typed.run("vex providers pull vendor", code=3)


class PrivateRegistry(Registry):
    """A registry at a private address of this machine, behind TLS of its own authority and a password."""

    def __init__(self, root, address, authority):
        super().__init__(root)
        self.host, self.authority = address, authority

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self, timeout=10):
        self.root.mkdir(parents=True, exist_ok=True)
        certificate, key = self.authority.issue("registry", SERVER, self.host)
        for name, text in (("tls.pem", certificate), ("tls.key", key), ("htpasswd", HTPASSWD)):
            (self.root / name).write_text(text)
        return super().start(timeout)

    def argv(self):
        plain = (self.root / "config.yml").read_text()
        secured = plain.replace(f'http: {{addr: "127.0.0.1:{self.port}"}}', (
            f'http: {{addr: "{self.address}", tls: {{certificate: {self.root}/tls.pem, key: {self.root}/tls.key}}}}\n'
            f"auth: {{htpasswd: {{realm: vendor, path: {self.root}/htpasswd}}}}"
        ))  # fmt: skip
        assert secured != plain
        (self.root / "config.yml").write_text(secured)
        return super().argv()

    def client(self):
        (self.root / "ca.pem").write_text(self.authority.pem)
        context = ssl.create_default_context(cafile=str(self.root / "ca.pem"))
        return httpx.Client(verify=context, auth=tuple(CREDENTIAL.split(":")), base_url=f"https://{self.address}")

    def _answers(self):
        try:
            with self.client() as client:
                return client.get("/v2/").status_code == 200
        except httpx.TransportError:
            return False

    def put(self, repository, layout, *named):
        """Push every blob, then manifests under their tags."""
        with self.client() as client:
            for name, data in layout.blobs.items():
                where = client.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
                joined = where + ("&" if "?" in where else "?") + "digest=" + name
                headers = {"Content-Type": "application/octet-stream"}
                client.put(joined, content=data, headers=headers).raise_for_status()
            for tag, descriptor in named:
                data = layout.blobs[descriptor["digest"]]
                path = f"/v2/{repository}/manifests/{tag}"
                client.put(path, content=data, headers={"Content-Type": MANIFEST}).raise_for_status()


@pytest.fixture
def private(tmp_path, components):
    """A registry at an address that nobody may talk to by default."""
    listed = subprocess.run(["ip", "-json", "-4", "address", "show"], capture_output=True, text=True, check=True).stdout
    addresses = [one["local"] for link in json.loads(listed) for one in link["addr_info"]]
    mine = [one for one in map(ipaddress.ip_address, addresses) if not one.is_global and not one.is_loopback]
    if not mine:
        pytest.skip("this machine has no private address besides the loopback")
    one = PrivateRegistry(tmp_path / "private", str(mine[0]), Authority("the vendor's"))
    one.start()
    layout, image, beside, tag = contents()
    one.put("acme/app", layout, ("v1", image), (tag, beside))
    yield one
    one.stop()


def test_private_registry(desk, private):
    typed = desk(private.address)
    (typed.folder / "ca.pem").write_text(private.authority.pem)
    pulled = typed.chapter("Private registry")
    assert (statuses(pulled), here(pulled)) == (BY_KEY, BY_KEY)
    told = typed.run("vex providers show vendor")
    assert re.search(r"private address allowed +yes", told)
    assert "env:VENDOR_REGISTRY" in told
    home = [path for path in (typed.folder / "home").rglob("*") if path.is_file()]
    assert home
    assert not [path for path in home if b"hunter2" in path.read_bytes()]
    for words, code in (
        ("--no-allow-private", "registry.address_refused"),
        ("--allow-private --clear credential", "registry.denied"),
        ("--credential env:VENDOR_REGISTRY --clear-artifact ca", "registry.unavailable"),
    ):
        typed.run(f"vex providers configure vendor {words}")
        assert code in typed.run("vex providers pull vendor", code=10 if code.endswith("unavailable") else 3)
