"""stella policy …: drafts, lint, test, simulate, propose, approve, publish, rollback, shadow, init, schema."""

from pathlib import Path

import typer

from api import exit_codes
from api.bodies import decoded, encoded
from api.calls import policy_life as calls
from api.calls.policies import PolicyView
from api.cli.output import Screen, group, screen, short, soon, when, working
from api.cli.words import read_file

SHADOW = group("A second pack judged beside the active one: recorded, shown, never counted.")
_FILE = typer.Argument(None, help="A pack as YAML; or name a draft with --draft.")


def add_to(app: typer.Typer) -> None:
    """Put the commands below ``stella policy``."""
    for name, command in (
        ("draft", draft),
        ("drafts", drafts),
        ("discard", discard),
        ("lint", lint),
        ("test", try_cases),
        ("simulate", simulate),
        ("init", init),
        ("propose", propose),
        ("proposals", proposals),
        ("approve", approve),
        ("refuse", refuse),
        ("publish", publish),
        ("rollback", rollback),
        ("schema", schema),
    ):
        app.command(name)(command)
    for name, command in (("set", shadow_set), ("clear", shadow_clear), ("report", shadow_report)):
        SHADOW.command(name)(command)
    app.add_typer(SHADOW, name="shadow")


def _text(file: Path | None) -> str:
    try:
        return read_file(file, most=1 << 20).decode() if file else ""
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file}: not UTF-8") from error


def _meant(file: Path | None, name: str) -> str:
    if (file is None) == (not name):
        raise typer.BadParameter("give a file, or --draft")
    return _text(file)


def draft(
    context: typer.Context,
    name: str = typer.Argument(help="The pack's name."),
    file: Path | None = typer.Argument(None, help="Keep this YAML; without it the draft is printed."),
    policy: str = typer.Option("", help="Keep the text of this stored pack, by name or digest, instead of a file."),
    expect: str = typer.Option("", help="Only if the draft still is the one of this digest."),
) -> None:
    """Keep a draft, faults and all; or print it."""
    if file is not None and policy:
        raise typer.BadParameter("give a file, or --policy")
    out = screen(context)
    if file is None and not policy:
        with out.door(writable=False) as door:
            found = door.ask(calls.SHOW_DRAFT, calls.OnePolicyDraft(name=name))
        if out.form.value == "table":
            typer.echo(found.yaml, nl=False)
        else:
            out.show(found, ())
        return
    ask = calls.WritePolicyDraft(name=name, yaml=_text(file), policy=policy, expect=expect)
    with out.door() as door:
        made = door.ask(calls.DRAFT, ask)
    out.show(made, [("draft", made.name), ("digest", made.digest), ("authors", made.authors)])
    out.say(f"check it: stella policy lint --draft {made.name}")


def drafts(context: typer.Context) -> None:
    """List drafts."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.DRAFTS, calls.ListPolicyDrafts(limit=500))
    rows = [(one.name, one.written_by, soon(one.written_at), one.authors, short(one.digest)) for one in page.items]
    out.table(page, ("NAME", "WRITTEN BY", "AT", "AUTHORS", "DIGEST"), rows)


def discard(context: typer.Context, name: str = typer.Argument(help="The draft's name.")) -> None:
    """Give a draft up; its records stay."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.DISCARD, calls.OnePolicyDraft(name=name))
    out.show(gone, [("discarded", gone.name), ("digest", gone.digest)])


def lint(
    context: typer.Context,
    file: Path | None = _FILE,
    name: str = typer.Option("", "--draft", help="A draft by its name, instead of a file."),
    strict: bool = typer.Option(False, "--strict", help="Warnings too end with code 2."),
) -> None:
    """List every fault with its line, and what looks wrong: exit 2 when there are faults."""
    out = screen(context)
    ask = calls.CheckPolicy(yaml=_meant(file, name), draft=name)
    with out.door(writable=False) as door:
        found = door.ask(calls.LINT, ask)
    rows = [(one.level, one.code, one.message) for one in found.items]
    out.table(found, ("LEVEL", "CODE", "WHERE AND WHAT"), rows)
    if not found.valid or (strict and found.items):
        raise typer.Exit(exit_codes.INPUT)


def try_cases(
    context: typer.Context,
    file: Path | None = _FILE,
    name: str = typer.Option("", "--draft", help="A draft by its name, instead of a file."),
) -> None:
    """Try a pack on the cases it carries: exit 2 when one does not hold."""
    out = screen(context)
    ask = calls.CheckPolicy(yaml=_meant(file, name), draft=name)
    with out.door(writable=False) as door:
        found = door.ask(calls.TEST, ask)
    rows = [("holds" if one.holds else "FAILS", one.name, one.outcome, one.wrong) for one in found.items]
    out.table(found, ("CASE", "NAME", "OUTCOME", "WRONG"), rows)
    if not found.holds:
        raise typer.Exit(exit_codes.INPUT)


def simulate(
    context: typer.Context,
    file: Path | None = typer.Argument(None, help="A pack as YAML; or --draft, or --policy."),
    name: str = typer.Option("", "--draft", help="A draft by its name."),
    policy: str = typer.Option("", help="A stored pack by name or digest."),
    last: int = typer.Option(50, min=1, max=500, help="How many of the newest verdicts."),
    environment: str = typer.Option("", help="Only those for this environment."),
    every: bool = typer.Option(False, "--all", help="Those that do not flip too."),
) -> None:
    """Judge the newest verdicts again under a pack, and list what flips. Nothing counts on it."""
    out = screen(context)
    if sum((file is not None, bool(name), bool(policy))) != 1:
        raise typer.BadParameter("give one of a file, --draft, --policy")
    ask = calls.SimulatePolicy(yaml=_text(file), draft=name, policy=policy, last=last, environment=environment)
    with out.door() as door, working("judging again"):
        found = door.ask(calls.SIMULATE, ask)
    rows = [
        (one.release, one.environment, one.was, one.would_be, one.because, soon(one.as_of))
        for one in found.items
        if every or one.flipped
    ]
    out.table(found, ("RELEASE", "ENVIRONMENT", "WAS", "WOULD BE", "BECAUSE", "AS OF"), rows)
    out.say(f"{found.flipped} of {found.judged} flip")


def init(
    context: typer.Context,
    release: str = typer.Option(..., help="The release whose evidence is looked at."),
    environment: str = typer.Option(..., help="The environment the pack is to judge."),
    name: str = typer.Option("proposed", help="The pack's name."),
    to: Path | None = typer.Option(None, help="Write the YAML to this file."),
) -> None:
    """Propose a pack from the evidence of a release. It lets that release through; nothing is stored."""
    out = screen(context)
    with out.door() as door, working("judging"):
        made = door.ask(calls.INIT, calls.InitPolicy(release=release, environment=environment, name=name))
    if to is not None:
        try:
            to.write_text(made.yaml, "utf-8")
        except OSError as error:
            raise typer.BadParameter(f"{to}: {error.strerror}") from error
        out.show(made, [("written to", to), ("only warned of, not met now", made.loosened)])
    elif out.form.value == "table":
        typer.echo(made.yaml, nl=False)
    else:
        out.show(made, ())


def propose(context: typer.Context, name: str = typer.Argument(help="The draft's name.")) -> None:
    """Propose a draft whose cases hold. Another person approves it: stella policy approve ID."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.PROPOSE, calls.OnePolicyDraft(name=name))
    _proposal(out, made)
    out.say(f"another person approves it: stella policy approve {made.id} --key THEIR-KEY")


def proposals(context: typer.Context) -> None:
    """List proposals that wait, to be approved or to be published."""
    out = screen(context)
    with out.door(writable=False) as door:
        page = door.ask(calls.PROPOSALS, calls.ListProposals(limit=500))
    rows = [
        (one.id, f"{one.name} {one.version}", one.authors, one.approved_by, soon(one.proposal.proposed_at))
        for one in page.items
    ]
    out.table(page, ("ID", "PACK", "AUTHORS", "APPROVED BY", "PROPOSED"), rows)


def approve(
    context: typer.Context,
    proposal: str = typer.Argument("", help="The proposal's id."),
    envelope: Path | None = typer.Option(None, help="Give an envelope that was signed elsewhere."),
    write: Path | None = typer.Option(None, help="Write the signed envelope to this file and give nothing."),
) -> None:
    """Sign a proposal with --key. Who wrote any of it is refused."""
    from api.cli.waiver import sign_with_key

    out = screen(context)
    if envelope is None and not proposal:
        raise typer.BadParameter("name the proposal, or give an envelope")
    with out.door(writable=write is None) as door:
        if envelope is not None:
            data = read_file(envelope, most=1 << 20)
        else:
            asked = door.ask(calls.TO_SIGN, calls.OnePolicyProposal(proposal=proposal))
            data = sign_with_key(out, decoded(asked.statement))
        if write is not None:
            write.write_bytes(data)
            out.say(f"written to {write}: give it with stella policy approve --envelope {write}")
            return
        made = door.ask(calls.APPROVE, calls.ApprovePolicy(envelope=encoded(data)))
    _proposal(out, made)
    out.say(f"publish it: stella policy publish {made.id}")


def refuse(context: typer.Context, proposal: str = typer.Argument(help="The proposal's id.")) -> None:
    """End a proposal without effect; the draft stays."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.REFUSE, calls.OnePolicyProposal(proposal=proposal))
    _proposal(out, gone)


def publish(context: typer.Context, proposal: str = typer.Argument(help="The proposal's id.")) -> None:
    """Publish an approved pack, sealed by the server. From the first one on, production takes only published packs."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.PUBLISH, calls.OnePolicyProposal(proposal=proposal))
    show_pack(out, made)


def rollback(
    context: typer.Context,
    environment: str = typer.Option(..., help="Where."),
    reason: str = typer.Option(..., help="Why; it is kept."),
) -> None:
    """Return to the pack that was active before; again: to the one before that."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.ROLL_BACK, calls.RollBackPolicy(environment=environment, reason=reason))
    show_pack(out, made)


def schema() -> None:
    """Print the JSON Schema of packs, for editors."""
    import msgspec

    from policy.pack_schema import pack_schema

    typer.echo(msgspec.json.format(msgspec.json.encode(pack_schema()), indent=2).decode())


def shadow_set(
    context: typer.Context,
    pack: str = typer.Argument(help="Name or digest."),
    environment: str = typer.Option(..., help="Where."),
) -> None:
    """Judge a stored pack beside the active one, from the next verdict on."""
    out = screen(context)
    with out.door() as door:
        made = door.ask(calls.SET_SHADOW, calls.SetShadow(policy=pack, environment=environment))
    show_pack(out, made)


def shadow_clear(context: typer.Context, environment: str = typer.Option(..., help="Where.")) -> None:
    """Judge no shadow any more; what was recorded stays."""
    out = screen(context)
    with out.door() as door:
        gone = door.ask(calls.CLEAR_SHADOW, calls.OneEnvironment(environment=environment))
    show_pack(out, gone)


def shadow_report(
    context: typer.Context,
    environment: str = typer.Option(..., help="Where."),
    differing: bool = typer.Option(False, "--differing", help="Only where the shadow says otherwise."),
) -> None:
    """Compare what the shadow says with the newest verdicts, which alone count."""
    out = screen(context)
    ask = calls.ReportShadow(environment=environment, differing=differing, limit=500)
    with out.door(writable=False) as door:
        page = door.ask(calls.SHADOW, ask)
    rows = [
        (one.release, one.outcome, one.shadow_outcome, one.because, when(one.as_of), short(one.shadow))
        for one in page.items
    ]
    out.table(page, ("RELEASE", "COUNTS", "SHADOW", "BECAUSE", "AS OF", "SHADOW VERDICT"), rows)


def _proposal(out: Screen, one: calls.ProposalView) -> None:
    lines = [
        ("proposal", one.id),
        ("pack", f"{one.name} {one.version}"),
        ("digest", one.proposal.pack),
        ("cases that hold", one.proposal.cases),
        ("authors", one.authors),
        ("approved by", one.approved_by),
    ]
    out.show(one, lines)


def show_pack(out: Screen, one: PolicyView) -> None:
    """Print a pack: what it asks with its includes taken in, and where it is active."""
    gates = [f"{use.id} ({use.gate}, {use.enforcement})" for use in (*one.asks.gates, *one.asks.moment)]
    out.show(
        one,
        [
            ("name", f"{one.pack.name} {one.pack.version}"),
            ("digest", one.digest),
            ("description", one.pack.description),
            ("gates", gates),
            ("verdicts hold", f"{one.asks.verdict_ttl_seconds} s"),
            ("active in", one.active_in),
            ("shadow in", one.shadow_in),
            ("published", one.published or "no"),
            ("existed", one.existed),
        ],
    )
