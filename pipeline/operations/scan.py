"""Making SBOMs: an image or a directory to a document, with a record of how. Must not know which tool makes it.

(1) say what is to be looked at: a directory, or one platform's image of a layout or registry; (2) bring the image into
an OCI layout of its own, every byte checked, so that the generator needs neither network nor trust; (3) generate;
(4) read the document as it will be read when it is submitted; (5) note tool, settings and arguments in a ScanRun, so
that the same can be done again and compared.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cas import canon, digest, jcs
from cas.digest import Digest
from cas.problems import Category, Problem
from cas.records.evidence import SbomFacts, ScanRun
from cas.records.release import ImageNode
from pipeline import images
from pipeline.attest import statements
from pipeline.effects import Fetched, ImageSource, SbomGenerator
from pipeline.operations.attestations import record_kind
from pipeline.operations.images import BytesMismatch, layers, split_layout
from pipeline.operations.sboms import read_sbom
from targets import references

_LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
Images = Callable[[str], ImageSource]


class ScanSourceMissing(Problem):
    """Neither a directory, nor an image layout, nor an image reference."""

    code = "scan.source_missing"
    category = Category.MISSING
    title = "There is nothing of that name to scan"
    remedy = "Name a directory, an OCI layout (oci:PATH or oci:PATH:NAME), or an image (host/repository:tag)."


@dataclass(frozen=True, slots=True)
class Scanned:
    """An SBOM just made, what it says, and how it came to be."""

    data: bytes
    facts: SbomFacts
    run: ScanRun


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two SBOMs disagree on: components as (purl or name, version), settings by field."""

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str, str], ...]  # field, then, now

    @property
    def same(self) -> bool:
        """Whether the same components were found."""
        return not self.added and not self.removed


@dataclass(frozen=True, slots=True)
class _Found:
    """What the generator is pointed to."""

    kind: Literal["directory", "image"]
    path: str
    version: str  # the image's digest
    platform: str = ""


def scan(generator: SbomGenerator, sources: Images, source: str, *, form: str, platform: str = "") -> Scanned:
    """Make an SBOM.

    Raises: scan.*, image.*, registry.* problems, settings.offline
    """
    tool, version = generator.tool
    with _found(sources, source, platform) as found:
        arguments = generator.arguments(found.kind, _shown(source), found.version, form)
        data = generator.generate(arguments, found.path).strip(b" \t\r\n")  # (3)
    opened, facts = read_sbom(data)  # (4)
    run = ScanRun(  # (5)
        sbom=digest.of_bytes(data),
        format=opened.name,
        tool=tool,
        tool_version=version,
        arguments=arguments,
        configuration=generator.configuration(),
        source_kind=found.kind,
        source=source,
        platform=found.platform,
        subject=found.version,
        components=len(facts.packages),
    )
    return Scanned(data, facts, run)


def statement(run: ScanRun, subject: Digest) -> bytes:
    """Write the statement that tells how an SBOM was made, about the image it speaks of."""
    named = digest.of_bytes(canon.of_record(run))
    return statements.build("scan", named, record_kind(ScanRun), [(run.source, subject)], content=run)


def form_of(run: ScanRun) -> str:
    """Give the generator's word for the format that a run was asked for."""
    at = run.arguments.index("--output") + 1 if "--output" in run.arguments else len(run.arguments)
    return run.arguments[at] if at < len(run.arguments) else ""


def run_of(payload: bytes) -> ScanRun | None:
    """Give the run that a statement tells of; None when it tells of something else."""
    try:
        said = statements.parse(payload)
        return statements.content_of(said, "scan", ScanRun)[1]
    except Problem:
        return None


def compare(then: SbomFacts, now: Scanned, before: ScanRun | None) -> Comparison:
    """Compare what was found then with what is found now, and how each was made where it is known."""
    left, right = _components(then), _components(now.facts)
    fields = ("tool", "tool_version", "format", "platform", "subject", "arguments", "configuration")
    settings = tuple(
        (name, _said(getattr(before, name)), _said(getattr(now.run, name)))
        for name in fields
        if before is not None and getattr(before, name) != getattr(now.run, name)
    )
    return Comparison(tuple(sorted(right - left)), tuple(sorted(left - right)), settings)


def _components(facts: SbomFacts) -> set[tuple[str, str]]:
    return {(each.purl or each.name, each.version) for each in facts.packages if each.type != "file"}


def _said(value: object) -> str:
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 200 else f"{digest.of_bytes(text.encode())} ({len(text)} characters)"


def _shown(source: str) -> str:
    """Give the name that the document carries: a path's last part only, so that it is the same on every machine."""
    location, named = split_layout(source) if source.count(":") > 1 else ("", None)
    if named is not None:
        return named.tag or Path(location).name
    path = source.removeprefix("oci:")
    return Path(path).resolve().name if Path(path).is_dir() else source


@contextmanager
def _found(sources: Images, source: str, platform: str) -> Iterator[_Found]:
    """Say what is looked at (1)."""
    path = Path(source.removeprefix("oci:"))
    layout = source.startswith("oci:") or (path / "oci-layout").is_file()
    if path.is_dir() and not layout:
        yield _Found("directory", str(path.resolve()), "")
        return
    host, repository, asked = (f"oci:{path}", "", "") if layout and path.is_dir() else _asked(source)
    origin = sources(host)
    with tempfile.TemporaryDirectory(prefix="stella-image-") as folder:
        node = _bring(origin, repository, asked, platform, Path(folder))
        yield _Found("image", folder, node.digest, node.platform)


def _asked(source: str) -> tuple[str, str, str]:
    """Give where an image is asked for, in which repository, and by what name."""
    try:
        host, ref = split_layout(source)
        if ref is None:
            ref = references.parse_reference(source)
            return ref.host, ref.path, ref.asked
    except references.ReferenceInvalid as error:
        raise ScanSourceMissing(source=source[:200]) from error
    if not Path(host[4:]).is_dir():
        raise ScanSourceMissing(source=source[:200])
    return host, ref.repository, ref.asked


def _bring(origin: ImageSource, repository: str, asked: str, platform: str, folder: Path) -> ImageNode:
    """Write one platform's image into an OCI layout of its own (2)."""

    def fetch(name: Digest) -> Fetched:
        found = origin.manifest(repository, name)
        if digest.of_bytes(found.data) != name:
            raise BytesMismatch(digest=name, found=digest.of_bytes(found.data))
        return found

    def blob(name: Digest) -> bytes:
        _write(origin, repository, name, images.CONFIG_LIMIT, folder)
        return _blob(folder, name).read_bytes()

    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_bytes(_LAYOUT)
    root = origin.manifest(repository, asked)
    node = _chosen(images.graph(root, fetch, blob), platform, asked)
    manifest = root if node.digest == root.digest else fetch(node.digest)
    for name, size in layers(manifest.data, node.digest):
        _write(origin, repository, name, size, folder)
    _blob(folder, node.digest).write_bytes(manifest.data)
    entry = {"mediaType": node.media_type, "digest": node.digest, "size": len(manifest.data)}
    (folder / "index.json").write_bytes(jcs.of_value({"schemaVersion": 2, "manifests": [entry]}))
    return node


def _chosen(nodes: tuple[ImageNode, ...], platform: str, asked: str) -> ImageNode:
    """Take the platform that was asked for, or the only one there is."""
    runnable = [node for node in nodes if node.role == "manifest"]
    found = [node for node in runnable if not platform or node.platform == platform]
    if len(found) != 1:
        offered = ", ".join(sorted(node.platform for node in runnable))
        raise images.PlatformMissing(reference=asked, platform=platform or "(none named)", offered=offered)
    return found[0]


def _blob(folder: Path, name: Digest) -> Path:
    return folder / "blobs" / "sha256" / digest.parse(name)[7:]


def _write(origin: ImageSource, repository: str, name: Digest, limit: int, folder: Path) -> None:
    """Copy a blob, hashed on the way."""
    hashed, total = digest.Running(), 0
    with _blob(folder, name).open("wb") as file:
        for chunk in origin.blob(repository, name):
            total += len(chunk)
            if total > limit:
                raise BytesMismatch(digest=name, reason=f"longer than {limit} bytes")
            hashed.update(chunk)
            file.write(chunk)
    if hashed.digest() != name:
        raise BytesMismatch(digest=name, found=hashed.digest())
