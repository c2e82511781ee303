"""Builds tiny OCI images and layouts, byte for byte the same everywhere: for tests and examples."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REF_NAME = "org.opencontainers.image.ref.name"


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


@dataclass
class Layout:
    """An OCI image layout being made: blobs by digest, names in index.json."""

    blobs: dict = field(default_factory=dict)
    names: list = field(default_factory=list)

    def blob(self, data):
        name = sha(data)
        self.blobs[name] = data
        return name

    def manifest(self, value, media=MANIFEST, **more):
        data = compact(value)
        return {"mediaType": media, "digest": self.blob(data), "size": len(data), **more}

    def image(self, files=None, platform="linux/amd64", entrypoint=("/app",), labels=None, user="65534:65534"):
        """One platform's image; ``files`` is {path: bytes | (bytes, mode)}. Gives its descriptor."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in sorted((files or {"app": b"tiny\n"}).items()):
                data, mode = content if isinstance(content, tuple) else (content, 0o644)
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(data), mode
                archive.addfile(info, io.BytesIO(data))
        tar = buffer.getvalue()
        layer = gzip.compress(tar, 6, mtime=0)
        os_name, architecture, *variant = platform.split("/")
        config = compact(
            {
                "architecture": architecture,
                "os": os_name,
                **({"variant": variant[0]} if variant else {}),
                "rootfs": {"type": "layers", "diff_ids": [sha(tar)]},
                "history": [],
                "config": {
                    "Entrypoint": list(entrypoint),
                    "User": user,
                    "StopSignal": "SIGKILL",
                    "Labels": labels or {},
                },
            }
        )
        return self.manifest(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": self.blob(config), "size": len(config)},
                "layers": [{"mediaType": LAYER, "digest": self.blob(layer), "size": len(layer)}],
            },
            platform={"os": os_name, "architecture": architecture, **({"variant": variant[0]} if variant else {})},
        )

    def attestation(self, subject):
        """What buildx adds beside a platform: a manifest of the platform unknown/unknown."""
        statement = compact({"_type": "https://in-toto.io/Statement/v0.1", "subject": [subject["digest"]]})
        config = compact({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"type": "layers"}})
        return self.manifest(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": CONFIG, "digest": self.blob(config), "size": len(config)},
                "layers": [
                    {
                        "mediaType": "application/vnd.in-toto+json",
                        "digest": self.blob(statement),
                        "size": len(statement),
                    }
                ],
            },
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": subject["digest"],
            },
        )

    def index(self, *children):
        return self.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children)}, INDEX)

    def name(self, name, descriptor):
        """Give an image a name (a tag or a whole reference); returns its digest."""
        self.names.append((name, descriptor))
        return descriptor["digest"]

    def index_json(self):
        manifests = [{**descriptor, "annotations": {REF_NAME: name}} for name, descriptor in self.names]
        return compact({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})

    def write(self, root):
        root = Path(root)
        (root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (root / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
        (root / "index.json").write_bytes(self.index_json())
        for name, data in self.blobs.items():
            (root / "blobs" / "sha256" / name[7:]).write_bytes(data)
        return root


@dataclass
class LayoutImages:
    """An ImageSource over a Layout in memory; ``asked`` notes every request, ``change`` swaps served bytes."""

    layout: Layout
    asked: list = field(default_factory=list)
    change: dict = field(default_factory=dict)

    def manifest(self, repository, reference):
        from pipeline.effects import Fetched

        self.asked.append((repository, reference))
        name = reference if reference.startswith("sha256:") else dict(self.layout.names)[reference]["digest"]
        data = self.change.get(name, self.layout.blobs[name])
        return Fetched(data, "", sha(data))

    def attached(self, repository, subject):
        """Manifests under cosign's tags, and those whose subject it is."""
        stem = subject.replace(":", "-")
        tags = {stem + suffix for suffix in (".sig", ".att", ".sbom")}
        found = [one["digest"] for name, one in self.layout.names if name.rpartition(":")[2] in tags]
        for name, data in self.layout.blobs.items():
            if data.startswith(b"{") and b'"layers"' in data:
                value = json.loads(data)
                if (value.get("subject") or {}).get("digest") == subject:
                    found.append(name)
        return tuple(dict.fromkeys(found))

    def blob(self, repository, name):
        self.asked.append((repository, name))
        yield self.change.get(name, self.layout.blobs[name])


def two_platforms(layout, text=b"tiny\n", *, attested=True):
    """An index for amd64 and arm64, with the attestation manifests that buildx writes."""
    amd = layout.image({"app": (text, 0o755)}, "linux/amd64")
    arm = layout.image({"app": (text + b"arm\n", 0o755)}, "linux/arm64/v8")
    beside = [layout.attestation(amd), layout.attestation(arm)] if attested else []
    return layout.index(amd, arm, *beside)
