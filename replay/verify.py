#!/usr/bin/env python3
"""Check a bundle without us: one file, Python's standard library only, no network.

    python3 verify.py BUNDLE.tar [--root sha256:FINGERPRINT] [--quiet]

What it checks: (1) every byte of the archive's framing is the one we would have written; (2) every blob hashes to its
name; (3) oci-layout, index.json and image manifest are those that the bundle manifest gives; (4) every pack's index and
every object in it; (5) the trust root's chain from the first root key, each change signed by the root before it;
(6) the bundle manifest's signature and the log's checkpoint; (7) every log entry's inclusion proof; (8) every signature
of every verification that travels, by log order, and of every envelope and document that the instance signed itself.

Exit: 0 good and signer established, 2 bad, 3 could not check, 4 consistent but signer not established (no --root).
The fingerprint is that of the instance's first root key, or the digest of its current trust root; get it another way
than the bundle.
"""

import base64
import bisect
import hashlib
import json
import mmap
import re
import struct
import sys
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

BLOCK = 512
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
TYPE_BUNDLE = "application/vnd.stella-ops.bundle.v1"
TYPE_MANIFEST = "application/vnd.stella-ops.bundle.manifest.v1+json"
TYPE_PACK = "application/vnd.stella-ops.pack.v1"
TYPE_LOG = "application/vnd.stella-ops.bundle.log.v1+json"
TYPE_CHECKPOINT = "application/vnd.stella-ops.checkpoint.v1"
TYPE_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
TYPE_VERIFIER = "text/x-python"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
PREDICATES = "https://stella-ops.org/attestations/"
MAX_JSON = 256 << 20

Json = Any
Raw = Any  # bytes or memoryview


class Bad(Exception):
    """The bundle is not what it should be."""


# ---------------------------------------------------------------- bytes


def sha(data: Raw) -> str:
    """Name bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical(value: Json) -> bytes:
    """Write RFC 8785 for values without floats whose keys are in the basic plane."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _pairs(pairs: List[Tuple[str, Json]]) -> Dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Bad("JSON with a key twice")
    return found


def _no(text: str) -> Json:
    raise Bad("JSON with a number that is no integer: " + text[:40])


def parse(data: Raw, what: str) -> Json:
    """Read JSON strictly."""
    if len(data) > MAX_JSON:
        raise Bad(what + " is too large")
    try:
        return json.loads(bytes(data).decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no)
    except (ValueError, RecursionError) as error:
        raise Bad(f"{what} is not JSON: {error}") from error


def record(data: Raw, kind: str, what: str) -> Dict[str, Json]:
    """Read a record: canonical JSON of one kind."""
    value = parse(data, what)
    if not isinstance(value, dict) or value.get("kind") != kind or canonical(value) != bytes(data):
        raise Bad(f"{what} is not a canonical record of kind {kind}")
    return value


def unbase64(text: Json, what: str) -> bytes:
    """Read standard base64 in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise Bad(what + " is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise Bad(what + " is not base64 in its one spelling")
    return raw


# ---------------------------------------------------------------- the archive


def tar_header(name: str, size: int) -> bytes:
    """Render the one header that a member may have (POSIX ustar)."""
    head = struct.pack(
        "<100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12s",
        name.encode(), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0", b" " * 8,
        b"0", b"", b"ustar\0", b"00", b"", b"", b"0000000\0", b"0000000\0", b"", b"",
    )  # fmt: skip
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]


def members(data: Raw) -> Iterator[Tuple[str, int, int]]:
    """Walk the archive: (name, start, size); every header, padding and the end must be ours byte for byte."""
    at, end = 0, len(data)
    while True:
        head = bytes(data[at : at + BLOCK])
        if head == bytes(BLOCK):
            if bytes(data[at:end]) != bytes(2 * BLOCK):
                raise Bad(f"the archive does not end in two zero blocks (at {at})")
            return
        name = head[:100].rstrip(b"\0").decode("ascii", "replace")
        digits = head[124:135]
        if len(head) != BLOCK or re.fullmatch(rb"[0-7]{11}", digits) is None:
            raise Bad(f"no archive header at {at}")
        size = int(digits, 8)
        if not name or head != tar_header(name, size):
            raise Bad(f"the header of {name!r} at {at} is not the one we write")
        start = at + BLOCK
        at = start + size + -size % BLOCK
        if at > end or bytes(data[start + size : at]) != bytes(at - start - size):
            raise Bad(f"the padding of {name!r} is not zero, or the archive is cut")
        yield name, start, size


def read_archive(data: Raw) -> Tuple[bytes, bytes, Dict[str, Tuple[int, int]]]:
    """Give oci-layout, index.json and the blobs by digest; order and names are fixed, every blob hashes to its name."""
    view = memoryview(data)
    found = list(members(view))
    names = [name for name, _, _ in found]
    if names[:2] != ["oci-layout", "index.json"] or names[2:] != sorted(set(names[2:])):
        raise Bad("members are not oci-layout, index.json and blobs by name, each once")
    blobs = {}
    for name, start, size in found[2:]:
        if re.fullmatch(r"blobs/sha256/[0-9a-f]{64}", name) is None:
            raise Bad(f"{name!r} is not a blob")
        if sha(view[start : start + size]) != "sha256:" + name[13:]:
            raise Bad(f"blob {name} does not hash to its name")
        blobs["sha256:" + name[13:]] = (start, size)
    (_, a, m), (_, b, n) = found[0], found[1]
    return bytes(view[a : a + m]), bytes(view[b : b + n]), blobs


def oci_documents(
    manifest: bytes, packs: List[Tuple[str, int]], others: List[Tuple[str, str, str, int]]
) -> Tuple[bytes, bytes]:
    """Render image manifest and index.json: (digest, size) of packs, (type, title, digest, size) of the others."""
    layers = [
        {
            "annotations": {"org.opencontainers.image.title": f"objects-{at:04d}.pack"},
            "digest": digest,
            "mediaType": TYPE_PACK,
            "size": size,
        }
        for at, (digest, size) in enumerate(packs)
    ] + [
        {
            "annotations": {"org.opencontainers.image.title": title},
            "digest": digest,
            "mediaType": kind,
            "size": size,
        }
        for kind, title, digest, size in others
    ]
    image = canonical(
        {
            "artifactType": TYPE_BUNDLE,
            "config": {"digest": sha(manifest), "mediaType": TYPE_MANIFEST, "size": len(manifest)},
            "layers": layers,
            "mediaType": OCI_MANIFEST,
            "schemaVersion": 2,
        }
    )
    index = canonical(
        {
            "manifests": [
                {
                    "annotations": {"org.opencontainers.image.ref.name": "bundle"},
                    "artifactType": TYPE_BUNDLE,
                    "digest": sha(image),
                    "mediaType": OCI_MANIFEST,
                    "size": len(image),
                }
            ],
            "mediaType": OCI_INDEX,
            "schemaVersion": 2,
        }
    )
    return image, index


# ---------------------------------------------------------------- packs

PACK_HEAD = struct.Struct("<16sQQ32s")


class Pack:
    """A pack inside the archive: its index re-rendered and compared, each object hashed."""

    def __init__(self, data: Raw, start: int, size: int, name: str) -> None:
        if size < PACK_HEAD.size:
            raise Bad(f"pack {name} is shorter than its header")
        ident, count, total, check = PACK_HEAD.unpack(bytes(data[start : start + PACK_HEAD.size]))
        index = 257 * 8 + count * 40
        if ident != b"stella-pack/1\0\0\0" or size != PACK_HEAD.size + index + total:
            raise Bad(f"pack {name} has a header that does not fit")
        at = start + PACK_HEAD.size
        body = bytes(data[at : at + index])
        if hashlib.sha256(body).digest() != check:
            raise Bad(f"pack {name} has an index that does not match its hash")
        fan = struct.unpack_from("<257Q", body)
        prefixes = struct.unpack_from(f"<{count}Q", body, 257 * 8)
        rests = 257 * 8 + count * 8
        ends = struct.unpack_from(f"<{count}Q", body, rests + count * 24)
        raws = [p.to_bytes(8, "big") + body[rests + i * 24 : rests + i * 24 + 24] for i, p in enumerate(prefixes)]
        counts = [0] * 257
        for raw in raws:
            counts[raw[0] + 1] += 1
        for i in range(256):
            counts[i + 1] += counts[i]
        if any(raws[i] >= raws[i + 1] for i in range(count - 1)) or list(fan) != counts:
            raise Bad(f"pack {name} is not sorted, or its fan-out does not fit")
        begins = (0,) + ends[:-1]
        if count and ends[-1] != total or any(one > other for one, other in zip(begins, ends)) or not count and total:
            raise Bad(f"pack {name} has lengths that do not fit")
        base = at + index
        self.names = ["sha256:" + raw.hex() for raw in raws]
        self.spans = [(base + one, other - one) for one, other in zip(begins, ends)]
        self.base, self.total = base, total
        view = memoryview(data)
        for digest, (begin, length) in zip(self.names, self.spans):
            if sha(view[begin : begin + length]) != digest:
                raise Bad(f"object {digest} in pack {name} does not hash to its name")

    def at(self, place: int) -> str:
        """Name the object that holds a place of the archive."""
        return str(self.names[bisect.bisect_right(self.spans, (place, 1 << 62)) - 1])


# ---------------------------------------------------------------- signatures

P25519 = 2**255 - 19
D25519 = -121665 * pow(121666, -1, P25519) % P25519
L25519 = 2**252 + 27742317777372353535851937790883648493
_I = pow(2, (P25519 - 1) // 4, P25519)
_Y8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL = {0, 1, P25519 - 1, _Y8, P25519 - _Y8}
Point = Tuple[int, int, int, int]


def _ed_add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P25519
    b = (p[1] + p[0]) * (q[1] + q[0]) % P25519
    c = 2 * p[3] * q[3] * D25519 % P25519
    d = 2 * p[2] * q[2] % P25519
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P25519, g * h % P25519, f * g % P25519, e * h % P25519


def _ed_mul(n: int, p: Point) -> Point:
    q: Point = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = _ed_add(q, p)
        p = _ed_add(p, p)
        n >>= 1
    return q


def _ed_point(raw: bytes) -> Optional[Point]:
    """Decode a point (RFC 8032, 5.1.3); None when it is not canonical or not on the curve."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P25519:
        return None
    square = (y * y - 1) * pow(D25519 * y * y + 1, -1, P25519) % P25519
    x = pow(square, (P25519 + 3) // 8, P25519)
    if (x * x - square) % P25519:
        x = x * _I % P25519
    if (x * x - square) % P25519 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P25519 - x
    return x, y, 1, x * y % P25519


_B = _ed_point((4 * pow(5, -1, P25519) % P25519).to_bytes(32, "little"))
assert _B is not None
BASE: Point = _B


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Verify Ed25519 without cofactor, s below the order, R compared as bytes."""
    key = _ed_point(public)
    if key is None or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L25519:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L25519
    minus = (P25519 - key[0], key[1], 1, P25519 - key[3])
    x, y, z, _ = _ed_add(_ed_mul(s, BASE), _ed_mul(h, minus))
    inverse = pow(z, -1, P25519)
    x, y = x * inverse % P25519, y * inverse % P25519
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G256 = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Jacobian = Tuple[int, int, int]


def _p_double(p: Jacobian) -> Jacobian:
    x, y, z = p
    if not y or not z:
        return 1, 1, 0
    yy = y * y % P256
    s = 4 * x * yy % P256
    zz = z * z % P256
    m = 3 * (x - zz) * (x + zz) % P256
    t = (m * m - 2 * s) % P256
    return t, (m * (s - t) - 8 * yy * yy) % P256, 2 * y * z % P256


def _p_add(p: Jacobian, q: Jacobian) -> Jacobian:
    if not p[2]:
        return q
    if not q[2]:
        return p
    zz1, zz2 = p[2] * p[2] % P256, q[2] * q[2] % P256
    u1, u2 = p[0] * zz2 % P256, q[0] * zz1 % P256
    s1, s2 = p[1] * zz2 * q[2] % P256, q[1] * zz1 * p[2] % P256
    if u1 == u2:
        return _p_double(p) if s1 == s2 else (1, 1, 0)
    h, r = (u2 - u1) % P256, (s2 - s1) % P256
    hh = h * h % P256
    hhh, v = h * hh % P256, u1 * hh % P256
    x = (r * r - hhh - 2 * v) % P256
    return x, (r * (v - x) - s1 * hhh) % P256, h * p[2] * q[2] % P256


def p256(public: Tuple[int, int], message: bytes, r: int, s: int) -> bool:
    """Verify ECDSA over P-256 with SHA-256 (FIPS 186-5, 6.4.2)."""
    if not (0 < r < N256 and 0 < s < N256):
        return False
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    w = pow(s, -1, N256)
    u1, u2 = e * w % N256, r * w % N256
    g, q = (G256[0], G256[1], 1), (public[0], public[1], 1)
    both, total = _p_add(g, q), (1, 1, 0)
    for bit in range(255, -1, -1):
        total = _p_double(total)
        chosen = (u1 >> bit & 1) | (u2 >> bit & 1) << 1
        if chosen:
            total = _p_add(total, (g, q, both)[chosen - 1])
    if not total[2]:
        return False
    return total[0] * pow(total[2] * total[2], -1, P256) % P256 % N256 == r


def der_pair(signature: bytes) -> Optional[Tuple[int, int]]:
    """Read r and s from strict DER; None when it is anything else."""
    found = []
    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2 or signature[1] > 127:
        return None
    rest = signature[2:]
    for _ in range(2):
        if len(rest) < 3 or rest[0] != 2 or not 0 < rest[1] <= len(rest) - 2:
            return None
        raw, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        if raw[0] & 0x80 or (len(raw) > 1 and not raw[0] and not raw[1] & 0x80):
            return None
        found.append(int.from_bytes(raw, "big"))
    return None if rest else (found[0], found[1])


def rsa(n: int, message: bytes, signature: bytes) -> bool:
    """Verify RSASSA-PKCS1-v1_5 with SHA-256 and exponent 65537 by rebuilding the encoded message (RFC 8017, 8.2.2)."""
    size = (n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= n:
        return False
    tail = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    wanted = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    return pow(number, 65537, n).to_bytes(size, "big") == wanted


# ---------------------------------------------------------------- keys

ED_SPKI = bytes.fromhex("302a300506032b6570032100")
EC_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
RSA_OID = bytes.fromhex("300d06092a864886f70d0101010500")


def _der_length(size: int) -> bytes:
    if size < 128:
        return bytes((size,))
    raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(raw),)) + raw


def _der(tag: int, body: bytes) -> bytes:
    return bytes((tag,)) + _der_length(len(body)) + body


def rsa_spki(n: int) -> bytes:
    """Write the one encoding of an RSA key with exponent 65537."""
    raw = n.to_bytes(n.bit_length() // 8 + 1, "big")
    numbers = _der(0x30, _der(2, raw) + bytes.fromhex("0203010001"))
    return _der(0x30, RSA_OID + _der(3, b"\0" + numbers))


def rsa_modulus(spki: bytes) -> int:
    """Find the modulus by rebuilding the encoding: it ends five bytes before the whole does."""
    for size in range(max(256, len(spki) - 48), min(1024, len(spki) - 10) + 1):
        n = int.from_bytes(spki[-5 - size : -5], "big")
        if 2048 <= n.bit_length() <= 8192 and (n.bit_length() + 7) // 8 == size and rsa_spki(n) == spki:
            return n
    raise Bad("an RSA key is not in its one encoding, or not of 2048 to 8192 bits with exponent 65537")


class Key(NamedTuple):
    """A public key judged: its record, who owns it, how it verifies."""

    id: str
    algorithm: str
    purposes: Tuple[str, ...]
    revoked_at: Optional[int]
    owner: str
    verify: Callable[[bytes, bytes], bool]
    verify_jwa: Callable[[bytes, bytes], bool]
    spki: bytes


def judge_key(given: Dict[str, Json], owner: str) -> Key:
    """Judge a key record: canonical SPKI, its hash the id, points canonical, on the curve, not of small order."""
    spki, algorithm = unbase64(given["spki"], "a key"), given["algorithm"]
    if hashlib.sha256(spki).hexdigest() != given["id"]:
        raise Bad(f"key {given['id']} is not named by its hash")
    verify = jwa = _verifier(algorithm, spki, given["id"])
    if algorithm == "ecdsa-p256":
        public = _p256_public(spki, given["id"])

        def jwa(message: bytes, signature: bytes) -> bool:
            whole = len(signature) == 64
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            return whole and p256(public, message, r, s)

    purposes = tuple(given["purposes"])
    return Key(given["id"], algorithm, purposes, given["revoked_at"], owner, verify, jwa, spki)


def _verifier(algorithm: str, spki: bytes, key_id: str) -> Callable[[bytes, bytes], bool]:
    if algorithm == "ed25519":
        raw = spki[12:]
        if spki[:12] != ED_SPKI or len(raw) != 32 or _ed_point(raw) is None:
            raise Bad(f"key {key_id} is not a canonical Ed25519 key")
        if int.from_bytes(raw, "little") & ((1 << 255) - 1) in SMALL:
            raise Bad(f"key {key_id} is of small order")
        return lambda message, signature: ed25519(raw, message, signature)
    if algorithm == "ecdsa-p256":
        public = _p256_public(spki, key_id)

        def verify(message: bytes, signature: bytes) -> bool:
            pair = der_pair(signature)
            if pair is not None and p256(public, message, *pair):
                return True
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            return len(signature) == 64 and p256(public, message, r, s)

        return verify
    if algorithm == "rsa":
        n = rsa_modulus(spki)
        if not n & 1:
            raise Bad(f"key {key_id} has an even modulus")
        return lambda message, signature: rsa(n, message, signature)
    raise Bad(f"key {key_id} is of an unknown algorithm")


def _p256_public(spki: bytes, key_id: str) -> Tuple[int, int]:
    x, y = int.from_bytes(spki[27:59], "big"), int.from_bytes(spki[59:], "big")
    on_curve = (y * y - x * x * x + 3 * x - B256) % P256 == 0
    if spki[:27] != EC_SPKI or len(spki) != 91 or x >= P256 or y >= P256 or not on_curve:
        raise Bad(f"key {key_id} is not a canonical P-256 key")
    return x, y


# ---------------------------------------------------------------- envelopes


class Envelope(NamedTuple):
    """A DSSE envelope: what is signed, and by whom it says."""

    payload_type: str
    payload: bytes
    signatures: List[Tuple[str, bytes]]

    def pae(self) -> bytes:
        """The bytes that are signed (DSSE v1)."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)


def loose_base64(text: str) -> bytes:
    """Read base64 of either alphabet, padded or not, as DSSE allows; only in its one spelling of bits."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return unbase64(plain + "=" * (-len(plain) % 4), "an envelope's base64")


def read_envelope(data: Raw) -> Envelope:
    """Read an envelope of anybody."""
    value = parse(data, "an envelope")
    signatures = [(each.get("keyid") or "", loose_base64(each["sig"])) for each in value["signatures"]]
    return Envelope(value["payloadType"], loose_base64(value["payload"]), signatures)


def own_envelope(data: bytes, kind: str, named: str) -> Envelope:
    """Read an envelope of ours: spelled as we spell it, over a statement of one kind that names one record."""
    found = read_envelope(data)
    signatures = [{"keyid": key, "sig": base64.b64encode(sig).decode()} for key, sig in found.signatures]
    value = {
        "payload": base64.b64encode(found.payload).decode(),
        "payloadType": found.payload_type,
        "signatures": signatures,
    }
    if canonical(value) != data or found.payload_type != IN_TOTO:
        raise Bad(f"the envelope of {named} is not spelled as we spell it")
    statement = parse(found.payload, "a statement")
    if (
        canonical(statement) != found.payload
        or statement["predicateType"] != f"{PREDICATES}{kind}/v1"
        or statement["predicate"]["record"] != named
    ):
        raise Bad(f"the statement does not speak of {kind} {named}")
    return found


# ---------------------------------------------------------------- the log


def inclusion_root(leaf: bytes, position: int, size: int, proof: List[bytes]) -> bytes:
    """Climb from a leaf to the root (RFC 9162, 2.1.3.2)."""
    node = hashlib.sha256(b"\0" + leaf).digest()
    if not 0 <= position < size:
        raise Bad(f"entry {position} is beyond the log")
    at, last = position, size - 1
    for sibling in proof:
        if not last:
            raise Bad(f"the proof of entry {position} is too long")
        if at & 1 or at == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        at >>= 1
        last >>= 1
    if last:
        raise Bad(f"the proof of entry {position} is too short")
    return node


def note_key(origin: str, key: Key) -> Tuple[bytes, bytes]:
    """Give type and material of a checkpoint's key as signed-note hashes them, and the four bytes that hint at it."""
    if key.algorithm == "ed25519":
        material = b"\1" + key.spki[12:]
    else:
        material = b"\xffstella-ops.org/" + key.algorithm.encode() + b"\n" + key.spki
    return material, hashlib.sha256(origin.encode() + b"\n" + material).digest()[:4]


def checkpoint_text(origin: str, size: int, root: bytes) -> bytes:
    """Write what a checkpoint states (C2SP tlog-checkpoint)."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def checkpoint_note(origin: str, size: int, root: bytes, hint: bytes, signature: bytes) -> bytes:
    """Write a checkpoint with one signature (C2SP signed-note)."""
    line = f"\n\u2014 {origin} {base64.b64encode(hint + signature).decode()}\n"
    return checkpoint_text(origin, size, root) + line.encode()


# ---------------------------------------------------------------- the bundle


class Entry(NamedTuple):
    """A log entry that travelled."""

    position: int
    value: Dict[str, Json]


class Bundle:
    """A bundle under examination: each method checks one thing of the list above, in that order."""

    def __init__(self, data: Raw) -> None:
        """Check (1) to (4): framing, blobs, documents, packs."""
        self.data = data
        layout, index, self.blobs = read_archive(data)  # (1), (2)
        if layout != LAYOUT:
            raise Bad("oci-layout is not the one we write")
        self.image = self._image(index)
        layers = self.image["layers"]
        self.manifest_digest = str(self.image["config"]["digest"])
        self.manifest = record(self.blob(self.manifest_digest), "bundle_manifest/1", "the bundle manifest")
        packs = [(each, self._size(each)) for each in self.manifest["packs"]]
        others = [
            (kind, title, layer["digest"], self._size(layer["digest"]))
            for (kind, title), layer in zip(
                (
                    (TYPE_LOG, "log.json"),
                    (TYPE_CHECKPOINT, "checkpoint"),
                    (TYPE_ENVELOPE, "manifest.dsse.json"),
                    (TYPE_VERIFIER, "verify.py"),
                ),
                layers[len(packs) :],
            )
        ]
        image, rendered = oci_documents(self.blob(self.manifest_digest), packs, others)  # (3)
        if image != self.blob(sha(image)) or rendered != index or len(layers) != len(packs) + 4:
            raise Bad("index.json or the image manifest is not the one that the bundle manifest gives")
        self.log_digest, self.checkpoint_digest, self.envelope_digest, verifier = (each[2] for each in others)
        if self.log_digest != self.manifest["log"] or verifier != self.manifest["verifier"]:
            raise Bad("the log or verify.py is not the one that the bundle manifest names")
        listed = {self.manifest_digest, sha(image), *(each for each, _ in packs), *(each[2] for each in others)}
        for name in self.blobs:
            if name not in listed:
                raise Bad(f"blob {name} is not listed")
        self.packs = [Pack(data, *self.blobs[name], name) for name, _ in packs]  # (4)
        self.objects: Dict[str, Tuple[int, int]] = {}
        for pack in self.packs:
            for name, span in zip(pack.names, pack.spans):
                if self.objects.setdefault(name, span) is not span:
                    raise Bad(f"object {name} travels twice")
        if len(self.objects) != self.manifest["objects"]:
            raise Bad("the number of objects is not the one that the bundle manifest names")
        for name in self.manifest["roots"]:
            if name not in self.objects:
                raise Bad(f"root {name} does not travel")
        self.checked = 0
        self.not_repeated = 0

    def _image(self, index: bytes) -> Dict[str, Json]:
        try:
            name = parse(index, "index.json")["manifests"][0]["digest"]
            return dict(parse(self.blob(name), "the image manifest"))
        except (KeyError, IndexError, TypeError) as error:
            raise Bad("index.json is not the one that the bundle manifest gives") from error

    def _size(self, name: str) -> int:
        if name not in self.blobs:
            raise Bad(f"blob {name} is missing")
        return self.blobs[name][1]

    def blob(self, name: str) -> bytes:
        """Give a blob."""
        self._size(name)
        start, size = self.blobs[name]
        return bytes(self.data[start : start + size])

    def object(self, name: str) -> bytes:
        """Give an object out of the packs."""
        if name not in self.objects:
            raise Bad(f"object {name} is needed and does not travel")
        start, size = self.objects[name]
        return bytes(self.data[start : start + size])

    def entries(self) -> List[Entry]:
        """Check (7): every entry is in the log whose root the manifest names, in order."""
        log = record(self.blob(self.log_digest), "bundle_log/1", "the bundle's log")
        size, root = self.manifest["log_size"], self.manifest["log_root"]
        if (log["size"], log["root"]) != (size, root):
            raise Bad("the bundle's log is of another size or root than the bundle manifest names")
        positions = [each["position"] for each in log["entries"]]
        if positions != self.manifest["entries"] or positions != sorted(set(positions)):
            raise Bad("the entries are not those that the bundle manifest names")
        found = []
        for each in log["entries"]:
            proof = [unbase64(node, "a proof") for node in each["proof"]]
            climbed = inclusion_root(canonical(each["entry"]), each["position"], size, proof)
            if "sha256:" + climbed.hex() != root or any(len(node) != 32 for node in proof):
                raise Bad(f"the proof of entry {each['position']} does not hold")
            found.append(Entry(each["position"], each["entry"]))
        return found


class Trust:
    """Check (5): the chain of trust roots from the first root key, and the directories they signed."""

    def __init__(self, bundle: Bundle, entries: List[Entry]) -> None:
        self.bundle = bundle
        self.origin = str(bundle.manifest["origin"])
        self.current = str(bundle.manifest["trust_root"])
        self.roots: Dict[str, Dict[str, Json]] = {}
        self.keys: Dict[str, List[Key]] = {}
        self.directories: Dict[str, List[Key]] = {}
        self.admitted = {entry.value["record"]: entry for entry in reversed(entries)}
        chain = self._chain()
        for previous, name in zip([None, *chain], chain):
            self._follow(previous, name)
        for entry in entries:
            if entry.value["event"] in ("directory.founded", "directory.changed"):
                self._directory(entry)

    def _chain(self) -> List[str]:
        chain: List[str] = []
        name: Optional[str] = self.current
        while name is not None:
            root = record(self.bundle.object(name), "trust_root/1", f"trust root {name}")
            self.roots[name] = root
            self.keys[name] = [judge_key(each, "server") for each in root["keys"]]
            ids = [key.id for key in self.keys[name]]
            if ids != sorted(set(ids)) or root["origin"] != self.origin or root["threshold"] < 1:
                raise Bad(f"trust root {name} breaks its rules")
            chain.append(name)
            name = root["previous"]
        chain.reverse()
        if [self.roots[name]["version"] for name in chain] != list(range(1, len(chain) + 1)):
            raise Bad("the trust roots are not numbered in order")
        first = [key.id for key in self.keys[chain[0]] if "root" in key.purposes]
        if self.origin not in first:
            raise Bad("the first trust root does not hold the key that the origin names")
        return chain

    def _follow(self, previous: Optional[str], name: str) -> None:
        entry = self.admitted.get(name)
        if entry is None or entry.value["event"] != ("trust.changed" if previous else "trust.founded"):
            raise Bad(f"no entry admitted trust root {name}")
        self._signed_by_root(previous or name, entry, "trust-root", name)
        if previous is None:
            return
        kept = {key.id: key for key in self.keys[name]}
        for key in self.keys[previous]:
            same = kept.get(key.id)
            if same is None or same.spki != key.spki or same.purposes != key.purposes:
                raise Bad(f"trust root {name} forgets or changes key {key.id}")
            if key.revoked_at is not None and same.revoked_at != key.revoked_at:
                raise Bad(f"trust root {name} takes back the revocation of key {key.id}")

    def _signed_by_root(self, judge: str, entry: Entry, kind: str, name: str) -> None:
        signers: Set[str] = set()
        for each in entry.value["envelopes"]:
            envelope = own_envelope(self.bundle.object(each), kind, name)
            message = envelope.pae()
            for key in self.keys[judge]:
                if "root" in key.purposes and counts(key, entry.position):
                    signers.update(key.id for _, sig in envelope.signatures if key.verify(message, sig))
        self.bundle.checked += len(signers)
        if len(signers) < self.roots[judge]["threshold"]:
            raise Bad(f"{kind} {name} is not signed by the root before it")

    def _directory(self, entry: Entry) -> None:
        name = entry.value["record"]
        if name not in self.bundle.objects:
            return
        judge = self.at(entry.position)
        self._signed_by_root(judge, entry, "directory", name)
        people = record(self.bundle.object(name), "directory/1", f"directory {name}")["people"]
        self.directories[name] = [judge_key(key, person["login"]) for person in people for key in person["keys"]]

    def at(self, position: int) -> str:
        """Name the trust root that stood when an entry was written."""
        standing = [name for name in self.roots if self.admitted[name].position <= position]
        if not standing:
            raise Bad(f"entry {position} is older than the trust root")
        return max(standing, key=lambda name: int(self.roots[name]["version"]))

    def server_keys(self) -> List[Key]:
        """List the keys that may sign for the instance, as the current trust root knows them."""
        return [key for key in self.keys[self.current] if "server" in key.purposes]


def counts(key: Key, position: int) -> bool:
    """Tell whether a key counted at a place of the log."""
    return key.revoked_at is None or key.revoked_at > position


def check_manifest(bundle: Bundle, trust: Trust) -> None:
    """Check (6): the bundle manifest's envelope and the checkpoint, by a server key that counts at the log's end."""
    size, root = bundle.manifest["log_size"], bytes.fromhex(bundle.manifest["log_root"][7:])
    envelope = own_envelope(bundle.blob(bundle.envelope_digest), "bundle", bundle.manifest_digest)
    note = bundle.blob(bundle.checkpoint_digest)
    message, text = envelope.pae(), checkpoint_text(trust.origin, size, root)
    if len(envelope.signatures) != 1:
        raise Bad("the bundle manifest has not one signature")
    for key in trust.server_keys():
        if key.id == envelope.signatures[0][0] and counts(key, size):
            if not key.verify(message, envelope.signatures[0][1]):
                raise Bad("the signature of the bundle manifest is bad")
            _, hint = note_key(trust.origin, key)
            found = re.fullmatch(re.escape(text) + "\n\u2014 [^ \n]+ ([A-Za-z0-9+/=]+)\n".encode(), note)
            signed = unbase64(found[1].decode(), "the checkpoint") if found else b""
            if note != checkpoint_note(trust.origin, size, root, hint, signed[4:]) or not key.verify(text, signed[4:]):
                raise Bad("the checkpoint is not signed by the instance, or not of this log")
            bundle.checked += 2
            return
    raise Bad("the bundle manifest is not signed by a key that counts for the instance")


def check_verifications(bundle: Bundle, trust: Trust, entries: List[Entry]) -> None:
    """Check (8): do every verification again, and verify every envelope that the server made."""
    verified = set()
    for entry in entries:
        for name in entry.value["verifications"]:
            if name in bundle.objects:
                verified.add(_verification(bundle, trust, name))
    for entry in entries:
        for name in entry.value["envelopes"]:
            if name in bundle.objects and name not in verified:
                _sealed(bundle, trust, entry, name)


def _verification(bundle: Bundle, trust: Trust, name: str) -> str:
    told = record(bundle.object(name), "verification/1", f"verification {name}")
    if parse(bundle.object(told["input"]), f"the question of {name}").get("kind") == "verify_sigstore_input/1":
        return _by_certificate(bundle, trust, name, told)
    question = record(bundle.object(told["input"]), "verify_input/1", f"the question of {name}")
    if question["envelope"] != told["envelope"] or question["trust_root"] not in trust.roots:
        raise Bad(f"verification {name} asks under a trust root that is not of the chain")
    root_owner = "root" if question["purpose"] == "root" else "server"
    keys = [key._replace(owner=root_owner) for key in trust.keys[question["trust_root"]]]
    if question["directory"] is not None:
        if question["directory"] not in trust.directories:
            raise Bad(f"verification {name} asks under a directory that the root did not sign")
        keys += trust.directories[question["directory"]]
    envelope = read_envelope(bundle.object(told["envelope"]))
    if sha(envelope.payload) != told["payload"] or envelope.payload_type != told["payload_type"]:
        raise Bad(f"verification {name} speaks of another payload")
    message = envelope.pae()
    checks = [_check(key_id, sig, keys, message, question) for key_id, sig in envelope.signatures]
    checks.sort(key=lambda each: (each["signer"], each["key_id"], each["status"]))
    if checks != told["signatures"]:
        raise Bad(f"verification {name} does not come out the same: a signature is not what it says")
    statuses = {each["status"] for each in checks}
    status = "verified" if "verified" in statuses else "bad" if statuses - {"unknown_key"} else "unsigned"
    if status != told["status"]:
        raise Bad(f"verification {name} should say {status}")
    bundle.checked += len(checks)
    return str(told["envelope"])


def _by_certificate(bundle: Bundle, trust: Trust, name: str, told: Dict[str, Json]) -> str:
    """Check what the standard library can of a Sigstore verification: its question. Certificates need a replay."""
    question = record(bundle.object(told["input"]), "verify_sigstore_input/1", f"the question of {name}")
    if question["bundle"] != told["envelope"] or question["trust_root"] not in trust.roots:
        raise Bad(f"verification {name} asks under a trust root that is not of the chain")
    if question["directory"] is not None and question["directory"] not in trust.directories:
        raise Bad(f"verification {name} asks under a directory that the root did not sign")
    bundle.not_repeated += 1
    return str(told["envelope"])


def _check(key_id: str, sig: bytes, keys: List[Key], message: bytes, question: Dict[str, Json]) -> Dict[str, Json]:
    named = next((key for key in keys if key.id == key_id), None)
    status = "verified"
    if named is None:
        named = next((key for key in keys if key.verify(message, sig)), None)
        if named is None:
            return {"algorithm": "", "key_id": key_id, "signer": "", "status": "unknown_key"}
    elif not named.verify(message, sig):
        status = "bad"
    if status == "verified" and question["purpose"] not in named.purposes:
        status = "wrong_purpose"
    if status == "verified" and not counts(named, question["position"]):
        status = "revoked"
    return {"algorithm": named.algorithm, "key_id": named.id, "signer": named.owner, "status": status}


def _sealed(bundle: Bundle, trust: Trust, entry: Entry, name: str) -> None:
    envelope = read_envelope(bundle.object(name))
    message = envelope.pae()
    keys = {key.id: key for key in trust.keys[trust.at(entry.position)]}
    known = [(keys[key_id], sig) for key_id, sig in envelope.signatures if key_id in keys]
    for key, sig in known:
        if not key.verify(message, sig) or not counts(key, entry.position):
            raise Bad(f"envelope {name} of entry {entry.position} has a bad signature")
    if not known:
        raise Bad(f"envelope {name} of entry {entry.position} is neither verified nor signed by the instance")
    bundle.checked += len(known)


def check_documents(bundle: Bundle, trust: Trust, entries: List[Entry]) -> None:
    """Check (8), for the files that leave the instance: what its seal stage put out carries its signature inside.

    So does a file that was asked for by itself. Nothing else: bytes that were sent in, or seen on a host where somebody
    had changed them, bind nobody.
    """
    keys = {key.id: key for each in trust.keys.values() for key in each}
    sealed = set(_sealed_files(bundle, entries))
    for name in sorted(sealed & set(bundle.objects)):
        _document(bundle, keys, name)
    for name in sorted(set(bundle.manifest["roots"]) - sealed):
        if b'"signerKeyId"' in bundle.object(name):
            _document(bundle, keys, name)


def _sealed_files(bundle: Bundle, entries: List[Entry]) -> Iterator[str]:
    for entry in entries:
        for note in entry.value["runs"]:
            if note["stage"] == "seal" and note["output"] in bundle.objects:
                sealed = record(
                    bundle.object(note["output"]), "sealed/1", f"the sealed files of entry {entry.position}"
                )
                for each in sealed["artifacts"]:
                    yield each["digest"]
                if sealed["manifest"] is not None:
                    yield sealed["manifest"]


def _document(bundle: Bundle, keys: Dict[str, Key], name: str) -> None:
    value = parse(bundle.object(name), f"document {name}")
    if not isinstance(value, dict) or value.get("signerKeyId") not in keys or "signature" not in value:
        raise Bad(f"document {name} is not signed by the instance")
    key = keys[value["signerKeyId"]]
    algorithm = {"ed25519": "EdDSA", "ecdsa-p256": "ES256", "rsa": "RS256"}[key.algorithm]
    body = canonical({field: each for field, each in value.items() if field != "signature"})
    signature = unbase64(value["signature"], f"the signature of {name}")
    if value.get("signatureAlgorithm") != algorithm or not key.verify_jwa(body, signature):
        raise Bad(f"document {name} has a bad signature")
    bundle.checked += 1


class Checked(NamedTuple):
    """What a check found: the bundle, its trust, its entries; ``established`` when the root was given and fits."""

    bundle: Bundle
    trust: Trust
    entries: List[Entry]
    established: bool


def check(data: Raw, root: Optional[str] = None) -> Checked:
    """Check a bundle's bytes; raises Bad, with what is bad."""
    try:
        bundle = Bundle(data)
        entries = bundle.entries()
        trust = Trust(bundle, entries)
        if root is not None and root not in ("sha256:" + trust.origin, trust.current):
            raise Bad(f"the bundle is of another instance: its root is sha256:{trust.origin}, not {root}")
        check_manifest(bundle, trust)
        check_verifications(bundle, trust, entries)
        check_documents(bundle, trust, entries)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, struct.error) as error:
        raise Bad(f"malformed: {type(error).__name__}: {error}") from error
    return Checked(bundle, trust, entries, root is not None)


def main(arguments: List[str]) -> int:
    """Check a bundle file and say what was found."""
    quiet = "--quiet" in arguments
    rest = [each for each in arguments if each != "--quiet"]
    root = None
    if "--root" in rest:
        at = rest.index("--root")
        root = rest[at + 1] if at + 1 < len(rest) else ""
        del rest[at : at + 2]
        if re.fullmatch(r"sha256:[0-9a-f]{64}", root) is None:
            print("--root wants sha256: and 64 lower-case hex digits", file=sys.stderr)
            return 3
    if len(rest) != 1 or rest[0].startswith("-"):
        print("usage: verify.py BUNDLE.tar [--root sha256:FINGERPRINT] [--quiet]", file=sys.stderr)
        return 3
    try:
        with open(rest[0], "rb") as file:
            found = check(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), root)
        lines = _told(found)
    except Bad as bad:
        print(f"BAD: {bad}", file=sys.stderr)
        return 2
    except BaseException as error:
        print(f"could not check: {type(error).__name__}: {error}", file=sys.stderr)
        return 3
    if not quiet:
        print("\n".join(lines))
    return 0 if found.established else 4


def _told(found: Checked) -> List[str]:
    manifest = found.bundle.manifest
    lines = [
        f"{len(found.bundle.objects)} objects, {len(found.entries)} log entries, "
        f"{found.bundle.checked} signatures: all hold",
        f"log of {manifest['log_size']} entries, root {manifest['log_root']}",
        f"instance sha256:{found.trust.origin}",
    ]
    if found.bundle.not_repeated:
        lines.append(
            f"{found.bundle.not_repeated} checks of Sigstore bundles are not repeated here: stella replay does"
        )
    if manifest["absent"]:
        lines.append(f"{len(manifest['absent'])} objects are named but do not travel")
    if found.established:
        lines.append("GOOD: the signer is the one you named")
    else:
        lines.append("CONSISTENT, but the signer is not established: give --root")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
