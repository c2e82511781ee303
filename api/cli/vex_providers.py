"""stella vex providers …: files are read here and handed over; a server never opens a path for a caller."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from api.calls import vex_providers as calls
from api.cli.output import Screen, group, screen, short, when
from api.cli.words import read_file

if TYPE_CHECKING:
    from api.door import Door

APP = group("Whose VEX is fetched beside which images, and by which signatures it is known.")
_PROVIDER = typer.Argument(help="The provider's name.")
_MOST = 1 << 20


@APP.command()
def configure(
    context: typer.Context,
    provider: str = _PROVIDER,
    image: list[str] = typer.Option([], help="Subscribe to an image; repeatable, replaces all images."),
    mode: str = typer.Option("", help="keyless, keypair, or none (checks nothing)."),
    issuer: str = typer.Option("", help="Keyless: who issued the signer's identity, a glob."),
    subject: str = typer.Option("", help="Keyless: the signer's identity, a glob."),
    offline: bool | None = typer.Option(None, help="Never ask a registry: pull from layouts only."),
    registry: str = typer.Option("", help="The provider's own registry: host[:port], https:// or http:// before it."),
    credential: str = typer.Option("", help="Where user:password is found: env:NAME or file:/path. Never a secret."),
    allow_http: bool | None = typer.Option(None, help="Let its registry be asked without TLS."),
    allow_private: bool | None = typer.Option(None, help="Let its registry be at a private address."),
    also: list[str] = typer.Option([], help="A further host of the registry (tokens, storage); repeatable."),
    upload_artifact: list[str] = typer.Option([], help="FIELD=@PATH, of keys, tuf_root or ca; repeatable."),
    artifact: list[str] = typer.Option([], help="FIELD=ID of an artifact that is there; repeatable."),
    host_path_compat: bool = typer.Option(False, help="Take FIELD=PATH for --artifact too: the file is handed over."),
    clear_artifact: list[str] = typer.Option([], help="Empty a field that names artifacts; repeatable."),
    clear: list[str] = typer.Option([], help="Empty any other field; repeatable."),
    list_artifacts: bool = typer.Option(False, help="List the provider's artifacts, afterwards or alone."),
) -> None:
    """Configure a provider. What is given replaces what stands; the rest stays."""
    out = screen(context)
    texts = {
        "images": tuple(image),
        "mode": mode,
        "issuer": issuer,
        "subject": subject,
        "offline": offline,
        "registry": registry,
        "credential": credential,
        "allow_http": allow_http,
        "allow_private": allow_private,
        "also": tuple(also),
    }
    fields: dict[str, Any] = {name: value for name, value in texts.items() if value not in ("", (), None)}
    wanted = [_word(one, "--upload-artifact", file=True) for one in upload_artifact]
    wanted += [_word(one, "--artifact", file=host_path_compat) for one in artifact]
    cleared = (*clear_artifact, *clear)
    with out.door() as door:
        for name, identity in _handed(door, provider, wanted):
            fields[name] = (*fields.get(name, ()), identity) if name == "keys" else identity
        if fields or cleared or not list_artifacts:
            made = door.ask(calls.CONFIGURE, calls.ConfigureVexProvider(id=provider, fields=fields, clear=cleared))
            if not list_artifacts:
                _show(out, made)
        if list_artifacts:
            _artifacts(out, door.ask(calls.ARTIFACTS, calls.ListVexArtifacts(id=provider)))


def _word(word: str, option: str, *, file: bool) -> tuple[str, str, Path | None]:
    """Read FIELD=@PATH or FIELD=ID; with ``file``, what is no id of an artifact is a path."""
    name, equals, value = word.partition("=")
    if not equals or not name or not value.removeprefix("@"):
        raise typer.BadParameter("write FIELD=@PATH", param_hint=option)
    if option == "--upload-artifact" and not value.startswith("@"):
        raise typer.BadParameter("write FIELD=@PATH", param_hint=option)
    path = Path(value.removeprefix("@"))
    return name, value, path if file and (option == "--upload-artifact" or path.is_file()) else None


def _handed(door: "Door", provider: str, wanted: list[tuple[str, str, Path | None]]) -> list[tuple[str, str]]:
    """Hand the files over, and give (field, artifact id) pairs; every file is read before the first goes."""
    read = [(name, value, read_file(path, most=_MOST) if path else None, path) for name, value, path in wanted]
    found = []
    for name, value, data, path in read:
        if data is None or path is None:
            found.append((name, value))
            continue
        ask = calls.UploadVexArtifact(id=provider, key=name, data=data, name=path.name)
        found.append((name, door.ask(calls.UPLOAD, ask).artifact_id))
    return found


@APP.command("list")
def list_all(
    context: typer.Context,
    limit: int = typer.Option(500, help="At most so many."),
    cursor: str = typer.Option("", help="Go on where the page before ended."),
) -> None:
    """List providers."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.LIST, calls.ListVexProviders(limit=limit, cursor=cursor))
    rows = [
        (one.provider.id, one.provider.mode, _signer(one), one.vouched, len(one.provider.images), _last(one))
        for one in page.items
    ]
    out.table(page, ("PROVIDER", "MODE", "SIGNER", "VOUCHED", "IMAGES", "LAST PULL"), rows)
    if page.next_cursor:
        out.say(f"more: --cursor {page.next_cursor}")


@APP.command()
def show(context: typer.Context, provider: str = _PROVIDER) -> None:
    """Show a provider: images, signers, registry, and how it stood at the newest pull."""
    out = screen(context)
    with out.door(writable=False) as door:
        _show(out, door.ask(calls.SHOW, calls.ShowVexProvider(id=provider)))


def _show(out: Screen, found: calls.VexProviderView) -> None:
    one, own = found.provider, found.provider.registry
    said = "yes" if found.vouched else "no: what it signs is shown as unsigned, and closes nothing in a verdict"
    out.show(
        found,
        [
            ("provider", one.id),
            *(("image", image) for image in one.images),
            ("mode", one.mode),
            ("signer", _signer(found)),
            ("trusted root", f"{one.tuf_root.artifact} {one.tuf_root.payload}" if one.tuf_root else "the instance's"),
            ("vouched for here", said),
            ("offline", one.offline),
            ("registry", f"{'http' if own.http else 'https'}://{own.host}" if own.host else "as the images say"),
            ("plain http allowed", own.allow_http),
            ("private address allowed", own.allow_private),
            ("further hosts", own.also),
            ("credential", own.credential),
            ("certificates", own.ca.artifact if own.ca else ""),
            ("last pull", _last(found)),
            ("record", found.digest),
        ],
    )


def _signer(found: calls.VexProviderView) -> str:
    one = found.provider
    if one.mode == "keyless":
        return f"{one.issuer}#{one.subject}"
    return ", ".join(f"key {each.artifact}" for each in one.keys) if one.mode == "keypair" else "not checked"


def _last(found: calls.VexProviderView) -> str:
    if found.pull is None:
        return "never"
    counts = sorted(Counter(one.status for one in found.pull.statements).items())
    told = ", ".join(f"{count} {status}" for status, count in counts) or "no VEX"
    return f"{when(found.pull.at)}: {told}"


@APP.command()
def artifacts(
    context: typer.Context,
    provider: str = _PROVIDER,
    delete: str = typer.Option("", help="Delete this one, which the configuration does not name."),
) -> None:
    """List the files that were handed over for a provider; never what is in them."""
    out = screen(context)
    with out.door(writable=bool(delete)) as door:
        if delete:
            door.ask(calls.DELETE, calls.NameVexArtifact(id=provider, artifact=delete))
        _artifacts(out, door.ask(calls.ARTIFACTS, calls.ListVexArtifacts(id=provider)))


def _artifacts(out: Screen, found: calls.VexArtifacts) -> None:
    rows = [(one.artifact_id, one.key, one.name, one.size, short(one.sha256), one.created_by) for one in found.items]
    out.table(found, ("ARTIFACT", "FIELD", "FILE", "BYTES", "DIGEST", "BY"), rows)


@APP.command()
def pull(
    context: typer.Context,
    provider: str = _PROVIDER,
    layout: Path | None = typer.Option(None, help="An OCI layout's folder instead of a registry: works offline."),
) -> None:
    """Fetch the VEX beside a provider's images, hold it against its signers, admit all of it in one append."""
    from api.cli.output import working

    out = screen(context)
    ask = calls.PullVexProvider(id=provider, layout=str(layout.absolute()) if layout else "")
    with out.door() as door, working("looking beside the images"):
        made = door.ask(calls.PULL, ask)
    statements = made.pull.statements
    rows = [
        (
            statements[one.document].image,
            short(one.subject),
            statements[one.document].status,
            one.standing,
            one.signers,
            one.known,
            one.format,
        )
        for one in made.receipts
    ]
    out.table(made, ("IMAGE", "SUBJECT", "BY PROVIDER", "HERE", "SIGNERS", "KNOWN", "FORMAT"), rows)
    for one in made.not_taken:
        out.say(f"not taken: {one.media_type} in {short(one.manifest)}: {one.reason}")
