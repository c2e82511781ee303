"""Build the demo's images: an OCI layout with tags, from code alone, the same bytes on every machine.

Each image holds one 160-byte static program for linux/amd64. Without arguments it waits for ever (the service); with an
argument it exits 0 (the health check). No engine, compiler or network is needed.
"""

import io
import struct
import sys
import tarfile
from hashlib import sha256
from json import dumps
from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"  # not compressed: compressors differ between machines

CODE = bytes.fromhex(
    "48833c2401"  # cmp qword [rsp], 1      ; argc
    "7f09"  # jg exit
    "b822000000"  # wait: mov eax, 34       ; pause(2)
    "0f05"  # syscall
    "ebf7"  # jmp wait
    "b83c000000"  # exit: mov eax, 60       ; exit(2)
    "31ff"  # xor edi, edi
    "0f05"  # syscall
)
BASE = 0x400000


def program() -> bytes:
    """A static ELF of one segment around CODE."""
    size = 64 + 56 + len(CODE)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, BASE + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    return header + segment + CODE


class Layout:
    """An OCI image layout being written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)
        (root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.tags: list[dict[str, object]] = []

    def blob(self, data: bytes, media_type: str, **more: object) -> dict[str, object]:
        """Write a blob and describe it."""
        name = sha256(data).hexdigest()
        (self.blobs / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data), **more}

    def document(self, document: object, media_type: str, **more: object) -> dict[str, object]:
        """Write a JSON blob and describe it."""
        return self.blob(dumps(document, sort_keys=True, separators=(",", ":")).encode(), media_type, **more)

    def image(self, repository: str, tag: str) -> str:
        """Add an image of one platform under a tag; give the digest of its index."""
        tar = layer(f"{repository}:{tag}")
        config = self.document(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {
                    "Entrypoint": ["/app"],
                    "User": "65534:65534",
                    "StopSignal": "SIGKILL",
                    "Labels": {"org.opencontainers.image.version": tag},
                },
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(tar).hexdigest()]},
                "history": [],
            },
            CONFIG,
        )
        packed = self.blob(tar, LAYER)
        manifest = self.document(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [packed]},
            MANIFEST,
            platform={"architecture": "amd64", "os": "linux"},
        )
        index = self.document(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]},
            INDEX,
            annotations={"org.opencontainers.image.ref.name": f"{repository}:{tag}"},
        )
        self.tags.append(index)
        return str(index["digest"])

    def close(self) -> None:
        """Write index.json."""
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.tags}
        (self.root / "index.json").write_text(dumps(document, sort_keys=True, separators=(",", ":")))


def layer(version: str) -> bytes:
    """A tar with /app and /version."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data, mode in (("app", program(), 0o755), ("version", version.encode() + b"\n", 0o644)):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), mode, 0
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def build(root: Path) -> dict[str, str]:
    """Build every image of the demo; give digests by reference."""
    layout = Layout(root)
    made = {}
    for repository in ("api", "worker"):
        for tag in ("v2.3.0", "v2.3.1"):
            made[f"{repository}:{tag}"] = layout.image(repository, tag)
    layout.close()
    return made


if __name__ == "__main__":
    for reference, digest in build(Path(sys.argv[1])).items():
        print(reference, digest)  # noqa: T201 - this is what it is for
