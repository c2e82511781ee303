"""A VEX provider's configuration as people write it: fields and their shapes, read and judged as a whole. Pure.

Every fault is told at once, with the field's pointer and a fixed code. No value is repeated in a fault: a secret may
have been pasted where a reference to one belongs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from cas import jcs
from cas.digest import Digest
from cas.problems import CanonInvalid, Category, Fault, Problem, TooLarge
from cas.records.vex_provider import VexFile, VexProvider, VexRegistry
from targets.references import ReferenceInvalid, parse_reference

MAX_IMAGES: Final = 256
MAX_TEXT: Final = 1024
_MODES: Final = ("keyless", "keypair", "none")
_HOST: Final = re.compile(
    r"\A(?:(https?)://)?([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?\Z"
)
_CREDENTIAL: Final = re.compile(r"\A(?:env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/[^\x00-\x1f]{1,1000})\Z")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

NO_IMAGES: Final = "PROVIDER_CONFIG_MISSING_IMAGE_SUBSCRIPTIONS"
BAD_IMAGE: Final = "PROVIDER_CONFIG_INVALID_IMAGE_REFERENCE"
NO_KEY: Final = "PROVIDER_CONFIG_MISSING_COSIGN_KEY"
NO_ISSUER: Final = "PROVIDER_CONFIG_MISSING_COSIGN_ISSUER"
NO_SUBJECT: Final = "PROVIDER_CONFIG_MISSING_COSIGN_SUBJECT"
NO_ROOT: Final = "PROVIDER_CONFIG_MISSING_TUF_ROOT"
BAD_MODE: Final = "PROVIDER_CONFIG_INVALID_COSIGN_MODE"
PLAIN_HTTP: Final = "PROVIDER_CONFIG_HTTP_REGISTRY_BLOCKED"
BAD_FIELD: Final = "PROVIDER_CONFIG_INVALID_FIELD"
MISSING: Final = frozenset({NO_IMAGES, NO_KEY, NO_ISSUER, NO_SUBJECT, NO_ROOT})


class ProviderConfigInvalid(Problem):
    """A VEX provider's configuration cannot be used; each fault has one of the codes PROVIDER_CONFIG_…."""

    code = "vex.provider_config_invalid"
    category = Category.INVALID
    title = "The VEX provider's configuration is not valid"
    remedy = "Correct every fault listed; docs/howto/vex-providers.md shows four whole configurations."


class ProviderConfigRequired(Problem):
    """A VEX provider's configuration lacks something; each fault has one of the codes PROVIDER_CONFIG_MISSING_…."""

    code = "vex.provider_config_required"
    category = Category.INVALID
    title = "The VEX provider's configuration is not complete"
    remedy = "Add what every fault listed asks for; docs/howto/vex-providers.md shows four whole configurations."


class ArtifactRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reference to an artifact that was handed over for the provider."""

    artifact_id: str = msgspec.field(name="artifactId")


Value: TypeAlias = bool | str | ArtifactRef | tuple[str | ArtifactRef, ...]
"""What a field may be given as; which of these depends on its shape."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a configuration. Shapes: scalar, list<string>, artifactRef, list<artifactRef>."""

    name: str
    shape: str
    flag: bool = False


FIELDS: Final = (
    Field("images", "list<string>"),
    Field("mode", "scalar"),
    Field("issuer", "scalar"),
    Field("subject", "scalar"),
    Field("keys", "list<artifactRef>"),
    Field("tuf_root", "artifactRef"),
    Field("offline", "scalar", flag=True),
    Field("registry", "scalar"),
    Field("allow_http", "scalar", flag=True),
    Field("allow_private", "scalar", flag=True),
    Field("also", "list<string>"),
    Field("credential", "scalar"),
    Field("ca", "artifactRef"),
)
BY_NAME: Final = {field.name: field for field in FIELDS}
ARTIFACTS: Final = tuple(field.name for field in FIELDS if "artifactRef" in field.shape)
Texts: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Around:
    """What a configuration is judged beside: artifacts by id, what each is good for, whether a root is trusted here."""

    files: Mapping[str, Digest]
    unfit: Mapping[tuple[str, str], str]  # (field, artifact id) to the reason why it is not what the field wants
    sigstore: bool


def pointer(name: str) -> str:
    """Give the JSON pointer of a field."""
    return "/fields/" + name.replace("~", "~0").replace("/", "~1")[:80]


def texts_of(record: VexProvider) -> dict[str, tuple[str, ...]]:
    """Spell a record as fields, those that say nothing left out."""
    own = record.registry
    found = {
        "images": record.images,
        "mode": (record.mode,),
        "issuer": (record.issuer,),
        "subject": (record.subject,),
        "keys": tuple(each.artifact for each in record.keys),
        "tuf_root": (record.tuf_root.artifact,) if record.tuf_root else (),
        "offline": (_flag(on=record.offline),),
        "registry": (f"{'http' if own.http else 'https'}://{own.host}" if own.host else "",),
        "allow_http": (_flag(on=own.allow_http),),
        "allow_private": (_flag(on=own.allow_private),),
        "also": own.also,
        "credential": (own.credential,),
        "ca": (own.ca.artifact,) if own.ca else (),
    }
    return {name: texts for name, texts in found.items() if any(texts)}


def _flag(*, on: bool) -> str:
    return "true" if on else ""


def read(given: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    """Read fields by their shapes into texts.

    Raises: vex.provider_config_invalid
    """
    faults: list[Fault] = []
    found: dict[str, tuple[str, ...]] = {}
    for name, value in given.items():
        field = BY_NAME.get(name)
        if field is None:
            faults.append(Fault(pointer(name), BAD_FIELD, f"no such field; known: {', '.join(BY_NAME)}"))
            continue
        texts = _texts(field, value)
        if texts is None or any(len(each) > MAX_TEXT or not each.isprintable() for each in texts):
            said = f"wants {field.shape}{', true or false' if field.flag else ''}; at most {MAX_TEXT} characters each"
            faults.append(Fault(pointer(name), BAD_FIELD, said))
        else:
            found[name] = texts
    refuse(faults)
    return found


def _texts(field: Field, value: Value) -> tuple[str, ...] | None:
    """Give a value's texts; None when it has not the field's shape."""
    if field.flag:
        known = {True: ("true",), "true": ("true",), False: (), "false": (), "": ()}
        return known.get(value) if isinstance(value, bool | str) else None
    if isinstance(value, bool):
        return None
    if field.shape == "list<string>":
        return _strings(value)
    many = value if isinstance(value, tuple) else (value,)
    if field.shape == "scalar":
        return (value.strip(),) if isinstance(value, str) else None
    named = tuple(each.artifact_id if isinstance(each, ArtifactRef) else each for each in many)
    return None if field.shape == "artifactRef" and isinstance(value, tuple) else tuple(filter(None, named))


def _strings(value: object) -> tuple[str, ...] | None:
    """Read list<string>: an array, a JSON text of one, or lines."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = jcs.parse(value.encode(), max_bytes=1 << 20, max_depth=2, max_nodes=MAX_IMAGES * 4)
        except (CanonInvalid, TooLarge):
            return None
    many = value.splitlines() if isinstance(value, str) else value
    if not isinstance(many, list | tuple):
        return None
    kept = [each.strip() for each in many if isinstance(each, str)]
    return tuple(filter(None, kept)) if len(kept) == len(many) else None


def build(name: str, texts: Texts, around: Around, previous: Digest | None) -> VexProvider:
    """Judge a configuration as a whole and give its record.

    Raises: vex.provider_config_invalid, vex.provider_config_required
    """
    refuse([*_image_faults(texts), *_cosign_faults(texts, around), *_registry_faults(texts)])
    scheme, host = split_registry(_one(texts, "registry"))
    return VexProvider(
        id=name,
        images=tuple(sorted(set(texts.get("images", ())))),
        mode=_one(texts, "mode"),  # type: ignore[arg-type]  # judged above
        issuer=_one(texts, "issuer"),
        subject=_one(texts, "subject"),
        keys=tuple(VexFile(artifact=each, payload=around.files[each]) for each in sorted(set(texts.get("keys", ())))),
        tuf_root=_file(texts, "tuf_root", around),
        offline=bool(_one(texts, "offline")),
        registry=VexRegistry(
            host=host,
            http=scheme == "http",
            allow_http=bool(_one(texts, "allow_http")),
            allow_private=bool(_one(texts, "allow_private")),
            also=tuple(sorted(set(texts.get("also", ())))),
            credential=_one(texts, "credential"),
            ca=_file(texts, "ca", around),
        ),
        previous=previous,
    )


def refuse(faults: list[Fault]) -> None:
    """Refuse a configuration with its faults, if there are any: as incomplete when nothing in it is wrong.

    Raises: vex.provider_config_invalid, vex.provider_config_required
    """
    if not faults:
        return
    if {each.code for each in faults} <= MISSING:
        raise ProviderConfigRequired(group="PROVIDER_CONFIG_REQUIRED", faults=tuple(faults))
    raise ProviderConfigInvalid(group="PROVIDER_CONFIG_INVALID", faults=tuple(faults))


def split_registry(text: str) -> tuple[str, str]:
    """Split a registry into scheme and host; without a scheme it is http on this machine, else https."""
    found = _HOST.match(text)
    if found is None:
        return "", ""
    return found[1] or ("http" if found[2] in _LOOPBACK else "https"), found[2] + (found[3] or "")


def loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name."""
    found = _HOST.match(host)
    return found is not None and found[2] in _LOOPBACK


def _one(texts: Texts, name: str) -> str:
    return next(iter(texts.get(name, ())), "")


def _file(texts: Texts, name: str, around: Around) -> VexFile | None:
    named = _one(texts, name)
    return VexFile(artifact=named, payload=around.files[named]) if named else None


def _image_faults(texts: Texts) -> Iterator[Fault]:
    images = texts.get("images", ())
    if not images:
        yield Fault(pointer("images"), NO_IMAGES, "name at least one image to subscribe to")
    if len(images) > MAX_IMAGES:
        yield Fault(pointer("images"), BAD_IMAGE, f"at most {MAX_IMAGES} images")
    for at, image in enumerate(images[:MAX_IMAGES]):
        if image.startswith("http://") and not _one(texts, "allow_http"):
            said = "plain HTTP: name the registry in the field registry, and set allow_http if that is meant"
            yield Fault(f"{pointer('images')}/{at}", PLAIN_HTTP, said)
        elif len(image) > 255 or not _is_reference(image):
            said = "write registry/repository:tag or registry/repository@sha256:…, at most 255 characters"
            yield Fault(f"{pointer('images')}/{at}", BAD_IMAGE, said)


def _is_reference(image: str) -> bool:
    try:
        parse_reference(image)
    except ReferenceInvalid:
        return False
    return True


def _cosign_faults(texts: Texts, around: Around) -> Iterator[Fault]:
    mode = _one(texts, "mode")
    if mode not in _MODES:
        yield Fault(pointer("mode"), BAD_MODE, "say keyless, keypair, or none (none checks nothing, and must be said)")
    if mode == "keyless":
        for name, code in (("issuer", NO_ISSUER), ("subject", NO_SUBJECT)):
            if not _one(texts, name).strip("*"):
                yield Fault(
                    pointer(name), code, "keyless wants one, and a bare * is nobody: anybody gets a certificate"
                )
        if not texts.get("tuf_root") and (_one(texts, "offline") or not around.sigstore):
            said = "hand over a trusted_root.json: no Sigstore instance is trusted here, or the provider is offline"
            yield Fault(pointer("tuf_root"), NO_ROOT, said)
    if mode == "keypair" and not texts.get("keys"):
        yield Fault(pointer("keys"), NO_KEY, "hand over the public key (cosign.pub)")
    for name, code in (("keys", NO_KEY), ("tuf_root", NO_ROOT), ("ca", BAD_FIELD)):
        for at, each in enumerate(texts.get(name, ())):
            said = "no artifact of this provider" if each not in around.files else around.unfit.get((name, each), "")
            if said:
                yield Fault(f"{pointer(name)}/{at}" if name == "keys" else pointer(name), code, said)


def _registry_faults(texts: Texts) -> Iterator[Fault]:
    registry, credential = _one(texts, "registry"), _one(texts, "credential")
    scheme, host = split_registry(registry)
    if registry and not host:
        yield Fault(
            pointer("registry"), BAD_FIELD, "write host or host:port, with http:// or https:// before it at most"
        )
    if scheme == "http" and not loopback(host) and not _one(texts, "allow_http"):
        yield Fault(pointer("registry"), PLAIN_HTTP, "plain HTTP is blocked; set allow_http if that is meant")
    if credential and not _CREDENTIAL.match(credential):
        yield Fault(pointer("credential"), BAD_FIELD, "a reference is wanted: env:NAME or file:/path; never a secret")
    for name in ("allow_http", "allow_private", "also", "credential", "ca"):
        if texts.get(name) and any(texts[name]) and not registry:
            yield Fault(pointer(name), BAD_FIELD, "it belongs to a registry: name that in the field registry")
    for at, each in enumerate(texts.get("also", ())):
        if split_registry(each)[1] != each:
            yield Fault(f"{pointer('also')}/{at}", BAD_FIELD, "write host or host:port")
