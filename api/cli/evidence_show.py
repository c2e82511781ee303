"""How evidence stands, in words: one piece in full, or what was found beside an image."""

from typing import TYPE_CHECKING

from api.calls import evidence as calls
from api.cli.output import Screen, short, soon

if TYPE_CHECKING:
    from api.door import Door


def stands(one: calls.EvidenceReceipt) -> str:
    """Say how a piece of evidence stands; a good signature over something else is told as such."""
    if one.signature == "verified" and one.standing != "verified":
        return "unsigned (its signature is over another digest)"
    return one.standing


def show(out: Screen, found: calls.EvidenceView) -> None:
    """Print one piece of evidence in full."""
    one = found.receipt
    rows: list[tuple[str, object]] = [
        ("subject", one.subject),
        ("type", one.type),
        ("format", one.format),
        ("standing", stands(one)),
        ("signed by", list(one.signers)),
        ("binding", one.binding),
        (
            "predicate",
            " ".join(each for each in (one.predicate_type, f"({one.predicate})" if one.predicate else "") if each),
        ),
        ("admitted", f"{soon(one.admitted_at)} by {found.submitter}"),
        ("raw", one.raw),
        ("facts", f"{found.facts_kind} {found.facts}"),
        ("admission", one.admission),
    ]
    rows += [("signature", f"{each.status}: {each.signer or each.key_id or 'no key id'}") for each in found.signatures]
    if found.subjects:
        rows.append(("signatures are over", list(found.subjects)))
    checked = found.sigstore
    if checked is not None:
        rows.append(("sigstore", checked.status + (f", {checked.failed}" if checked.failed else "")))
        rows += [("instance", checked.instance)] if checked.instance else []
        rows += [("identity", f"{checked.identity} of {checked.issuer}")] if checked.identity else []
        rows += [("known here", "yes" if checked.listed else "no: trust sigstore lists no such identity")]
        rows += [("signed at", f"{checked.signed_at} by {checked.timed_by}")] if checked.signed_at else []
        rows += [("log", f"{checked.log_id} entry {checked.log_index}")] if checked.log_id else []
        rows += list(checked.claims)
    out.show(found, rows)


def receipts(out: Screen, given: tuple[calls.EvidenceReceipt, ...]) -> None:
    """Print receipts of what was collected."""
    rows = [
        (short(one.subject), one.type, one.format, one.binding, stands(one), one.known, list(one.signers))
        for one in given
    ]
    out.table(given, ("SUBJECT", "TYPE", "FORMAT", "BINDING", "STANDING", "KNOWN", "SIGNERS"), rows)


def admission_of(door: "Door", wanted: str) -> str:
    """Give the admission that a digest names: itself, or the newest of the raw document or evidence, also shortened."""
    cursor = ""
    while True:
        page = door.ask(calls.LIST, calls.ListEvidence(limit=200, cursor=cursor))
        for one in page.items:
            named = (one.admission, one.raw, one.evidence)
            if wanted in named or (
                len(wanted) >= 8 and any(each.removeprefix("sha256:").startswith(wanted) for each in named)
            ):
                return one.admission
        cursor = page.next_cursor
        if not cursor:
            return wanted
