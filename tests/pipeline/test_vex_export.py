"""What we export is valid by its format's rules and reads back to the same state, in all three formats."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cas.adapters.memory import MemoryStore
from cas.records.evidence import NormaliseInput
from cas.store import save
from pipeline.formats.opened import open_document
from pipeline.stage import advance
from pipeline.stages.normalise import NORMALISE
from pipeline.versions.vers import within
from pipeline.vex_export import FORMS, Document, Spoken, write
from policy import claims
from policy.images import named
from policy.product_identity import Subject
from policy.trust_table import BUILT_IN
from tests.support import gate_cases

AS_OF = "2026-03-01T12:00:00Z"
ABOUT = Document("Example PSIRT", "https://psirt.example", "3e671687-395b-41f5-a30f-a58921a69b79", AS_OF)
IMAGES = {f"sha256:{letter * 64}": f"registry.test/shop/{name}" for letter, name in (("a", "web"), ("b", "api"))}
PURLS = ("pkg:npm/%40scope/lib@1.0.0", "pkg:deb/debian/openssl@1%3A3.0.1-1?arch=amd64", "pkg:maven/a/b@1", "")
NAMES = ("CVE-2026-0001", "GHSA-aaaa-bbbb-cccc")
REASONS = ("", "component_not_present", "vulnerable_code_not_in_execute_path", "inline_mitigations_already_exist")

SPOKEN = st.builds(
    lambda image, purl, name, status, reason, words: Spoken(
        vulnerability=name,
        image=image,
        repository=IMAGES[image],
        purl=purl,
        status=status,
        aliases=("GO-2026-1",) if name.startswith("GHSA") else (),
        justification=reason if status == "not_affected" else "",
        impact=words if status == "not_affected" else "",
        action=words if status == "affected" else "",
    ),
    st.sampled_from(sorted(IMAGES)),
    st.sampled_from(PURLS),
    st.sampled_from(NAMES),
    st.sampled_from(("not_affected", "affected", "fixed", "under_investigation")),
    st.sampled_from(REASONS),
    st.sampled_from(("", "Because.")),
)


def facts_of(data):
    store = MemoryStore()
    opened = open_document(data)
    assert opened.kind == "vex"
    (reading,) = opened.readings
    return advance(NORMALISE, save(store, NormaliseInput(raw=store.put(data), format=reading.name)), store).record


def row(key):
    return gate_cases.row(
        type="vex", signers=["bob"], admission=gate_cases.name(key), raw=gate_cases.name(key), admitted_at=AS_OF
    )


def state_of(documents, image, purl, name):
    subject = Subject(digests=frozenset({image}), image=named(f"{IMAGES[image]}:1"), purls=frozenset(PURLS))
    found = claims.reach(
        claims.index(documents), (name,), subject, purl=purl, table=BUILT_IN, as_of=AS_OF, within=within
    )
    return found.state, sorted({claim.justification for claim in found.claims if claim.status == "not_affected"})


def states(documents):
    return {
        (image, purl, name): state_of(documents, image, purl, name)
        for image in IMAGES
        for purl in PURLS
        if purl
        for name in (*NAMES, "GO-2026-1")
    }


def imported(form, spoken):
    return [(row(name), facts_of(data)) for name, data in write(form, spoken, ABOUT)]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(spoken=st.lists(SPOKEN, min_size=1, max_size=6))
def test_what_is_written_reads_back_to_the_same_state(form, spoken):
    first = states(imported(form, spoken))
    for other in FORMS:
        assert states(imported(other, spoken)) == first
    assert [data for _, data in write(form, reversed(spoken), ABOUT)] == [
        data for _, data in write(form, spoken, ABOUT)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", ["not_affected", "affected", "fixed", "under_investigation"])
def test_a_claim_keeps_its_status_and_its_words(form, status):
    image = min(IMAGES)
    spoken = Spoken(
        vulnerability="CVE-2026-0001",
        image=image,
        repository=IMAGES[image],
        purl=PURLS[0],
        status=status,
        aliases=("GHSA-x",),
        justification="component_not_present" if status == "not_affected" else "",
        impact="Not there." if status == "not_affected" else "",
        action="Wait." if status == "affected" else "",
    )
    ((_, facts),) = imported(form, [spoken])
    (statement,) = facts.statements
    assert (statement.vulnerability, statement.aliases, statement.status) == ("CVE-2026-0001", ("GHSA-x",), status)
    assert statement.justification == spoken.justification
    assert statement.impact == spoken.impact
    assert spoken.action in statement.action
    assert facts.author.startswith("Example PSIRT")
    assert statement.issued_at == AS_OF
    state, _ = state_of([(row("x"), facts)], image, PURLS[0], "CVE-2026-0001")
    assert state == ("unknown" if status == "under_investigation" else status)
    assert state_of([(row("x"), facts)], image, PURLS[2], "CVE-2026-0001")[0] == "none"
    assert state_of([(row("x"), facts)], max(IMAGES), PURLS[0], "CVE-2026-0001")[0] == "none"


@pytest.mark.parametrize("form", FORMS)
def test_a_conflict_stays_one(form):
    image = min(IMAGES)
    sides = [Spoken("CVE-2026-0001", image, IMAGES[image], PURLS[0], status) for status in ("affected", "fixed")]
    assert state_of(imported(form, sides), image, PURLS[0], "CVE-2026-0001")[0] == "conflict"


def test_a_bom_is_written_for_each_image():
    spoken = [Spoken("CVE-2026-0001", image, name, "", "fixed") for image, name in IMAGES.items()]
    written = write("cyclonedx", spoken, ABOUT)
    assert [json.loads(data)["metadata"]["component"]["version"] for _, data in written] == sorted(IMAGES)
    assert len({json.loads(data)["serialNumber"] for _, data in written}) == 2
