"""Builds what a gate looks at from a short JSON case: what a case leaves out has a harmless default.

A case that only a Picture can hold (``reach``, ``waiver_effect``, ``facts`` …) is shown as one; every other case is shown
both ways, as judge/1 and as judge/2 would.
"""

import json
import types
import typing

import msgspec

from cas import canon, digest
from cas.records.catalog import KINDS
from cas.records.feed import FeedSnapshot
from cas.records.picture import AssessedFinding2, EvidenceRow2, Picture
from cas.records.promotion import AdmittedApproval, Approval, BreakGlass, Promotion, StopLine
from cas.records.proof import Directory, Person
from cas.records.rego import RegoAnswer
from cas.records.release import Environment, FreezeWindow, Release, TemplateFacts, TemplateMount, TemplateService
from cas.records.verdict import (
    AssessedFinding,
    Assessment,
    ComponentRow,
    EvidenceRow,
    Question,
    UnknownRow,
    Verdict,
)
from policy.evaluate import gate
from policy.gate import FactView, MomentView, Vote
from policy.gate import finding as gate_finding
from tests.support.judging import an_environment

AS_OF = "2026-03-01T12:00:00Z"
ACTORS = {name: "person:" + name[0] * 32 for name in ("alice", "bob", "carol", "dave")}


def name(text):
    return digest.of_bytes(text.encode())


def convert(value, kind):
    return msgspec.convert(value, kind)


def finding(**given):
    fields = {
        "component": "web",
        "platform": "linux/amd64",
        "purl": "pkg:pypi/requests@1.0.0",
        "version": "1.0.0",
        "vulnerability": "CVE-2026-0001",
        "advisory": "CVE-2026-0001",
        "aliases": [],
        "related": [],
        "severity": "high",
        "score_tenths": 75,
        "fixed_in": [],
        "sbom": name("sbom"),
        "sbom_pointer": "/components/0",
        "feed_package": name("package"),
        "feed_pointer": "/advisories/0",
        "vex": "none",
        "claims": [],
        "waived_by": None,
        "open": True,
        "new": True,
        "epss": None,
        "kev": given.get("vulnerability", "CVE-2026-0001") if given.get("kev_due") else "",
        "kev_due": "",
    }
    claims = [
        {
            "evidence": name("vex"),
            "pointer": "/statements/0",
            "status": "not_affected",
            "justification": "",
            "author": "",
            "signer": "",
            "verified": False,
            "score": 0,
        }
        | claim
        for claim in given.pop("claims", [])
    ]
    return convert(fields | given | {"claims": claims}, AssessedFinding)


REACH = {"state": "U", "path": [], "confidence": 0, "evidence": []}


def pictured_findings(given):
    """As ``finding``, as assess/2 leaves them: rows, and the documents they point at."""
    whole = [_pictured_finding(**one) for one in given]
    documents = sorted({one[key] for one in whole for key in ("sbom", "feed_package")})
    places = {name: place for place, name in enumerate(documents)}
    rows = (one | {key: places[one[key]] for key in ("sbom", "feed_package")} for one in whole)
    return tuple(documents), tuple(row_of(one, AssessedFinding2) for one in rows)


def row_of(values, kind):
    """Build a part that stands as an array from its values by name."""
    return kind(**{each.name: convert(values[each.name], each.type) for each in msgspec.structs.fields(kind)})


def _pictured_finding(**given):
    own = {key: given.pop(key) for key in list(given) if key in NEW_OF_FINDING}
    old = msgspec.to_builtins(finding(**given))
    fields = {
        "ecosystem": "PyPI",
        "published": "2026-01-01T00:00:00Z",
        "raw_severity": old["severity"],
        "raw_score_tenths": old["score_tenths"],
        "severity_source": "advisory",
        "origin": "matched",
        "reported_by": [],
        "waiver_effect": "suppress" if old["waived_by"] else "",
        "waiver_until": "2026-04-01T00:00:00Z" if old["waived_by"] else "",
        "control": "",
    }
    reach = own.pop("reach", None)
    return old | fields | own | {"reached": reach and REACH | reach}


def pictured_row(**given):
    """As ``row``, as assess/2 leaves it. ``facts`` may be the facts themselves, which are then named by their digest."""
    own = {key: given.pop(key) for key in list(given) if key in NEW_OF_ROW}
    facts = given.get("facts")
    if isinstance(facts, dict):
        given["facts"] = digest.of_bytes(canon.of_record(facts_record(facts)))
    old = msgspec.to_builtins(row(**given))
    fields = {"standing": "verified" if old["verified"] else "unsigned", "created_at": "2026-02-28T00:00:00Z"}
    return convert(old | fields | own, EvidenceRow2)


NEW_OF_FINDING = {"reach", *AssessedFinding2.__struct_fields__} - set(AssessedFinding.__struct_fields__)
NEW_OF_ROW = set(EvidenceRow2.__struct_fields__) - set(EvidenceRow.__struct_fields__)
EMPTY = {str: "", int: 0, bool: True}


def facts_record(given):
    """Build a facts record from a case: ``kind`` names it, what is left out is empty."""
    kinds = {str(kind.__struct_config__.tag): kind for kind in KINDS}
    kind = kinds[given["kind"]]
    return filled({key: value for key, value in given.items() if key != "kind"}, kind)


def filled(given, kind):
    """Fill what a struct demands and a case leaves out: empty text, 0, True, nothing, and so inside lists of structs."""
    out = {}
    for each in msgspec.structs.fields(kind):
        value = given.get(each.name, empty_of(each.type) if each.name not in given else None)
        inner = struct_in(each.type)
        if inner is not None and isinstance(value, list):
            value = [msgspec.to_builtins(filled(one, inner)) for one in value]
        out[each.name] = value
    unknown = set(given) - set(out)
    assert not unknown, f"{kind.__name__} has no {sorted(unknown)}"
    return convert(out | ({"kind": kind.__struct_config__.tag} if kind.__struct_config__.tag else {}), kind)


def struct_in(kind):
    """Give the struct that a tuple type holds, or None."""
    arguments = typing.get_args(kind)
    inner = arguments[0] if typing.get_origin(kind) is tuple and arguments else None
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def empty_of(kind):
    """Give the emptiest value that a type allows."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        meta = kind.__metadata__[0]
        if meta.min_length == 71 or "sha256" in (meta.pattern or ""):
            return name("nothing")
        if meta.min_length:
            return "x" * meta.min_length
        return empty_of(kind.__origin__)
    if origin is tuple:
        return []
    if origin is typing.Literal:
        return typing.get_args(kind)[-1]
    if origin in {typing.Union, types.UnionType}:
        return None
    return EMPTY[kind]


def row(**given):
    fields = {
        "component": "web",
        "platform": "linux/amd64",
        "admission": name("admission"),
        "evidence": name("evidence"),
        "raw": name("raw"),
        "facts": name("facts"),
        "type": "sbom",
        "format": "cyclonedx-json/1.5",
        "binding": "attested",
        "verified": given.get("binding", "attested") == "attested",
        "signers": ["bob"],
        "predicate_type": "",
        "builder": "",
        "source": "",
        "admitted_at": "2026-03-01T00:00:00Z",
    }
    return convert(fields | given, EvidenceRow)


def component(**given):
    fields = {"component": "web", "platform": "linux/amd64", "image": name("image"), "packages": 5, "sboms": 1}
    return convert(fields | given, ComponentRow)


def unknown(**given):
    fields = {
        "reason": "FeedGap",
        "code": "ecosystem_not_in_feed",
        "subject": "pkg:cran/x",
        "entropy": 500_000,
        "evidence": name("sbom"),
        "pointer": "/components/1",
    }
    return convert(fields | given, UnknownRow)


def service(**given):
    fields = {
        "name": "web",
        "image": "registry.test/web:1",
        "component": "web",
        "privileged": False,
        "namespaces": [],
        "cap_add": [],
        "security_opt": [],
        "devices": [],
        "mounts": [],
        "secrets": [],
        "unclear": [],
    }
    mounts = [{"target": "/x", "pointer": "/services/web/volumes/0"} | mount for mount in given.pop("mounts", [])]
    return convert(fields | given | {"mounts": convert(mounts, tuple[TemplateMount, ...])}, TemplateService)


def environment(given):
    windows = convert(
        [{"reason": "", "exceptions": []} | one for one in given.pop("freeze_windows", [])], tuple[FreezeWindow, ...]
    )
    base = an_environment(required_approvals=0, separation_of_duties=False, personal_key_required=False)
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return convert(msgspec.structs.replace(base, **given, freeze_windows=windows), Environment)


def question(given):
    fields = {
        "release": name("release"),
        "environment": name("environment"),
        "purpose": "promotion",
        "as_of": AS_OF,
        "heads": [],
        "components": [],
        "policy": name("policy"),
        "feed": name("feed"),
        "waivers": [],
        "baseline": name("baseline"),
        "trust_root": name("root"),
    }
    return convert(fields | given, Question)


def snapshot(given):
    fields = {
        "name": "test",
        "captured_at": "2026-03-01T00:00:00Z",
        "sources": [],
        "ecosystems": [],
        "kev": name("kev"),
        "epss": name("epss"),
        "notes": [],
    }
    return convert(fields | given, FeedSnapshot)


def release(given):
    return convert(
        {
            "name": "app-1",
            "line": "app",
            "components": [],
            "template": name("tree"),
            "compose": name("compose"),
            "source": [],
            "created_at": AS_OF,
            "created_by": ACTORS["alice"],
            "nonce": "0" * 32,
        }
        | given,
        Release,
    )


def needs_picture(case):
    """Tell whether a case says what only a Picture can hold."""
    keys = {key for one in case.get("findings", []) for key in one}
    rows = {key for one in case.get("evidence", []) for key in one}
    facts = any(isinstance(one.get("facts"), dict) for one in case.get("evidence", []))
    return facts or bool(keys & NEW_OF_FINDING or rows & NEW_OF_ROW) or case.get("picture", False)


def fact_view(case, *, picture=None):
    """Build the view of judge/1, or of judge/2 when ``picture`` or the case asks for it."""
    picture = needs_picture(case) if picture is None else picture
    view = _view(case, picture=picture)
    return picture_view(case, view) if picture else view


def picture_view(case, view):
    given = case.get("evidence", [])
    facts = [facts_record(one["facts"]) for one in given if isinstance(one.get("facts"), dict)]
    held = {digest.of_bytes(canon.of_record(one)): one for one in facts}
    documents, rows = pictured_findings(case.get("findings", []))
    shown = Picture(
        components=view.assessment.components,
        evidence=tuple(pictured_row(**one) for one in given),
        documents=documents,
        findings=rows,
        unknowns=view.assessment.unknowns,
        template=None,
        trust_table=name("table"),
    )
    return msgspec.structs.replace(view, assessment=shown, facts=held.__getitem__)


def _view(case, *, picture):
    rows = case.get("components", [{}])
    asked = question(case.get("question", {}))
    template = None
    if case.get("services", [{}]) is not None:
        services = tuple(service(**one) for one in case.get("services", [{}]))
        template = TemplateFacts(release=name("release"), document=name("document"), services=services)
    assessment = Assessment(
        question=name("question"),
        components=tuple(component(**one) for one in rows),
        evidence=() if picture else tuple(row(**one) for one in case.get("evidence", [])),
        findings=() if picture else tuple(finding(**one) for one in case.get("findings", [])),
        unknowns=tuple(unknown(**one) for one in case.get("unknowns", [])),
        template=None,
        trust_table=name("table"),
        valid_until=None,
    )
    return FactView(
        question=asked,
        release=release(case.get("release", {})),
        environment=environment(dict(case.get("environment", {}))),
        assessment=assessment,
        template=template,
        feed=snapshot(case.get("feed", {})) if asked.feed else None,
        rego_answers=tuple(rego_answer(**one) for one in case.get("rego_answers", [])),
    )


def rego_answer(**given):
    """An answer of a custom rule; ``deny`` and ``warn`` list messages."""
    said = {
        kind: tuple(
            gate_finding(code, (("code", "finding"), ("message", text)), component="web")
            for text in given.get(kind, [])
        )
        for kind, code in (("deny", "denied"), ("warn", "warned"))
    }
    return RegoAnswer(
        rule=given["rule"],
        release=name("release"),
        environment=name("environment"),
        picture=name("picture"),
        engine="regopy",
        engine_version="1.5.2",
        status="fail" if said["deny"] else "warn" if said["warn"] else "pass",
        **said,
    )


def vote(given):
    login = given.get("login", "bob")
    approval = Approval(
        promotion=name(given.get("promotion", "promotion")),
        verdict=name(given.get("verdict", "verdict")),
        decision=given.get("decision", "approve"),
        environment=given.get("environment", "production"),
        reason="",
        expires_at=given.get("expires_at", "2026-03-02T00:00:00Z"),
        nonce="0" * 32,
    )
    admitted = AdmittedApproval(
        approval=name(f"approval {given}"),
        envelope=None,
        verification=None,
        person=ACTORS[given.get("person", login)],
        login=login,
        groups=tuple(given.get("groups", ["ops"])),
        personal=given.get("personal", True),
        admitted_at=AS_OF,
    )
    return Vote(name(f"admitted {given}"), admitted, approval, tuple(given.get("signers", [login])))


def moment_view(case):
    verdict = Verdict(
        question=name("question"),
        assessment=name("assessment"),
        release=name("release"),
        environment=name("environment"),
        policy=name("policy"),
        purpose="promotion",
        as_of=AS_OF,
        outcome="allow",
        gates=(),
        valid_until="2026-03-02T12:00:00Z",
    )
    promotion = Promotion(
        release=name("release"),
        environment=name("environment"),
        purpose="promotion",
        previous=None,
        rollback_to=None,
        reason="",
        requested_by=ACTORS["alice"],
        requested_at=AS_OF,
        nonce="0" * 32,
    )
    people = tuple(
        Person(id=ACTORS[login], login=login, groups=tuple(groups), keys=())
        for login, groups in sorted(
            case.get("people", {"alice": ["ops"], "bob": ["ops"], "carol": ["ops", "security"]}).items()
        )
    )
    stop = case.get("stop_line")
    return MomentView(
        as_of=case.get("as_of", AS_OF),
        verdict=verdict,
        verdict_digest=name("verdict"),
        promotion=promotion,
        promotion_digest=name("promotion"),
        environment=environment(dict(case.get("environment", {}))),
        votes=tuple(vote(one) for one in case.get("votes", [])),
        stop_line=StopLine(environments=tuple(stop), reason="fire", by=ACTORS["bob"], at=AS_OF, nonce="0" * 32)
        if stop is not None
        else None,
        directory=Directory(version=1, people=people, previous=None),
        requester_login=case.get("requester_login", "alice"),
        source_completed_at=case.get("source_completed_at", ""),
        break_glass=glass(case["break_glass"]) if "break_glass" in case else None,
        unreviewed=tuple((name(f"glass {one}"), glass(one)) for one in case.get("unreviewed", [])),
    )


def glass(given):
    fields = {
        "release": name("release"),
        "environment": "production",
        "reason": "site is down",
        "ticket": "INC-1",
        "people": [ACTORS["alice"], ACTORS["bob"]],
        "signed_at": "2026-03-01T11:00:00Z",
        "expires_at": "2026-03-01T16:00:00Z",
        "request": name("request"),
    }
    return convert(fields | given, BreakGlass)


def answer(gate_id, case, *, picture=None):
    asked = gate(gate_id)
    params = convert(
        {key: tuple(value) if isinstance(value, list) else value for key, value in case.get("params", {}).items()},
        asked.params,
    )
    return asked, asked.check(params, moment_view(case) if asked.moment else fact_view(case, picture=picture))


def read(path):
    return json.loads(path.read_text())
