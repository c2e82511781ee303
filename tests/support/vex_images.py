"""Images with OpenVEX attestations beside them, as cosign leaves them: signed by a key, keylessly, badly, not at all."""

import base64
import json

from pipeline.adapters.keys import generate
from pipeline.attest import envelope
from tests.support.images import CONFIG, MANIFEST, Layout
from tests.support.judging import in_statement, openvex
from tests.support.pretend_sigstore import IN_TOTO, Sigstore

DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle+json;version=0.1"
OPENVEX = "https://openvex.dev/ns/v0.2.0"
ISSUER, SUBJECT = "https://issuer.test", "release@acme.test"
VENDOR = generate("ecdsa-p256", purposes=("submit",))
SIGSTORE = Sigstore()


def claim(image, name="CVE-2024-1"):
    """An OpenVEX document about an image, in its statement."""
    return in_statement(openvex(name, "not_affected", f"pkg:oci/app@{image}", name=name), image, OPENVEX)


def keyed(image, name="CVE-2024-1", signer=VENDOR):
    payload = claim(image, name)
    return DSSE, envelope.build(IN_TOTO, payload, [(signer.key.id, signer.sign(envelope.pae(IN_TOTO, payload)))])


def spoiled(image, name="CVE-2024-1"):
    """One whose payload was changed after it was signed."""
    made = json.loads(keyed(image, name)[1])
    text = base64.b64decode(made["payload"]).replace(b"not_affected", b"fixed")
    return DSSE, json.dumps(made | {"payload": base64.b64encode(text).decode()}).encode()


def keyless(image, name="CVE-2024-1", subject=SUBJECT, sigstore=SIGSTORE):
    return BUNDLE, sigstore.bundle(claim(image, name), ISSUER, subject)


def bare(image, name="CVE-2024-1"):
    """One that nobody signed."""
    return IN_TOTO, claim(image, name)


def attach(layout, image, *documents, tag="app"):
    """Put documents into one manifest under cosign's tag; give its descriptor and tag."""
    listed = [{"mediaType": kind, "digest": layout.blob(data), "size": len(data)} for kind, data in documents]
    config = {"mediaType": CONFIG, "digest": layout.blob(b"{}"), "size": 2}
    made = layout.manifest({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": listed})
    name = image.replace(":", "-") + ".att"
    layout.name(f"{tag}:{name}", made)
    return made, name


def image(layout=None, name="reg.test/acme/app:v1", text=b"app"):
    """A layout with an image of that name; gives both."""
    layout = layout or Layout()
    return layout, layout.name(name, layout.image({"app": text}))
