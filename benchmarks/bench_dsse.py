"""DSSE over a 5 MB subject: reading and verifying, ours beside securesystemslib, in turns."""

import json
import time

from securesystemslib.dsse import Envelope as PeerEnvelope
from securesystemslib.signer import CryptoSigner

from benchmarks.table import Row, ratios
from pipeline.adapters.keys import generate
from pipeline.attest import envelope, signatures

SIZE = 5_000_000
ROUNDS = 7
TURNS = 4


def run():
    """One row per algorithm: megabytes of payload read and verified per second and core."""
    return [_row(algorithm) for algorithm in ("ed25519", "ecdsa-p256")]


def _row(algorithm):
    signer = generate(algorithm)
    payload = b"x" * SIZE
    kind = "application/octet-stream"
    data = envelope.build(kind, payload, [(signer.key.id, signer.sign(envelope.pae(kind, payload)))])
    peer_key = CryptoSigner(signer.private).public_key
    peer_key.keyid = signer.key.id

    def ours():
        read = envelope.parse(data)
        assert signatures.verify(signer.key, read.pae(), read.signatures[0].signature)

    def peer():
        PeerEnvelope.from_dict(json.loads(data)).verify([peer_key], 1)

    rounds = [(_timed(ours), _timed(peer)) for _ in range(ROUNDS)]
    ratio, low, high = ratios((theirs, mine) for mine, theirs in rounds)
    mine, theirs = (min(column) for column in zip(*rounds, strict=True))
    return Row(
        area=f"DSSE read and verify, 5 MB, {algorithm}",
        ours=SIZE / mine / 1e6,
        peer="securesystemslib Envelope",
        peer_value=SIZE / theirs / 1e6,
        ratio=ratio,
        goal=2.0,
        unit="MB/s",
        limit=f"hashing the payload once; rounds {low:.2f} to {high:.2f}",
    )


def _timed(call):
    start = time.perf_counter()
    for _ in range(TURNS):
        call()
    return (time.perf_counter() - start) / TURNS
