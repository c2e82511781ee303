"""Debian's tracker and Alpine's secdb become OSV documents that say the same."""

import json

from cas.adapters.memory import MemoryStore
from cas.records.feed import FeedRaws, ReadFeedInput
from cas.store import save
from pipeline.formats import schema
from pipeline.formats.natives import form_of
from pipeline.operations.feeds import import_feed
from pipeline.stage import advance
from pipeline.stages.read_feed import READ_FEED
from tests.pipeline.feeds.test_import2 import of
from tests.support.delivery import key
from tests.support.world import ALICE, World

TRACKER = {
    "curl": {
        "CVE-2024-1": {
            "description": "An overflow.",
            "scope": "remote",
            "releases": {
                "bookworm": {
                    "status": "resolved",
                    "repositories": {"bookworm": "7.88.1-10"},
                    "fixed_version": "7.88.1-9",
                    "urgency": "high**",
                },
                "bullseye": {"status": "open", "repositories": {"bullseye": "7.74.0-1"}, "urgency": "unimportant"},
                "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
                "sid": {"status": "resolved", "fixed_version": "8.0-1", "urgency": "low"},
            },
        }
    },
    "wget": {"CVE-2024-1": {"releases": {"bookworm": {"status": "undetermined", "urgency": "not yet assigned"}}}},
}
SECDB = {
    "distroversion": "v3.16",
    "reponame": "main",
    "urlprefix": "https://mirror.example/alpine",
    "apkurl": "{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
    "packages": [
        {"pkg": {"name": "curl", "secfixes": {"7.83.1-r1": ["CVE-2022-1 CVE-2022-2"], "0": ["CVE-2021-9"]}}},
        {"pkg": {"name": "xen", "secfixes": {"4.16-r1": ["XSA-400", "CVE-2022-1 (note)"], "4.1-r0": None}}},
    ],
}


def read(form, *given):
    store = MemoryStore()
    raws = tuple(sorted(store.put(json.dumps(each).encode()) for each in given))
    done = advance(READ_FEED, save(store, ReadFeedInput(form=form, raws=raws)), store)
    assert isinstance(done.record, FeedRaws)
    documents = [json.loads(store.get(each)) for each in done.record.documents]
    assert [fault for each in documents for fault in schema.faults("osv-schema.json", each)] == []
    return {each["id"]: each for each in documents}


def affected(document):
    return [
        (
            each["package"]["ecosystem"],
            each["package"]["name"],
            [event for span in each["ranges"] for event in span["events"]],
        )
        for each in document["affected"]
    ]


def test_the_tracker_says_where_each_release_is_fixed_and_where_it_is_not():
    found = read("debian-tracker", TRACKER)
    assert set(found) == {"DEBIAN-CVE-2024-1"}
    assert affected(found["DEBIAN-CVE-2024-1"]) == [
        ("Debian:11", "curl", [{"introduced": "0"}]),
        ("Debian:12", "curl", [{"introduced": "0"}, {"fixed": "7.88.1-9"}]),
        ("Debian:12", "wget", [{"introduced": "0"}]),
    ]
    assert found["DEBIAN-CVE-2024-1"]["upstream"] == ["CVE-2024-1"]


def test_secdb_files_of_several_releases_make_one_document():
    newer = {**SECDB, "distroversion": "v3.17", "packages": SECDB["packages"][:1]}
    found = read("alpine-secdb", SECDB, newer)
    assert set(found) == {"ALPINE-CVE-2022-1", "ALPINE-CVE-2022-2", "ALPINE-XSA-400"}
    fixed = [{"introduced": "0"}, {"fixed": "7.83.1-r1"}]
    assert affected(found["ALPINE-CVE-2022-1"]) == [
        ("Alpine:v3.16", "curl", fixed),
        ("Alpine:v3.16", "xen", [{"introduced": "0"}, {"fixed": "4.16-r1"}]),
        ("Alpine:v3.17", "curl", fixed),
    ]


def test_forms_are_found_from_content():
    assert form_of(TRACKER) == "debian-tracker"
    assert form_of(SECDB) == "alpine-secdb"
    assert [form_of(each) for each in ({}, {"a": {}}, {"packages": []}, {"a": {"b": {"releases": 1}}})] == [""] * 4


def test_an_import_takes_them_beside_osv_as_complete_sources():
    world = World()
    effects = world.effects(server=key("ed25519", "server"))
    plain = json.dumps({"id": "A", "modified": "2024-01-01T00:00:00Z", "affected": []}).encode()
    documents = [json.dumps(TRACKER).encode(), plain, json.dumps(SECDB).encode()]
    done = import_feed(effects, ALICE, "osv", documents)
    found = of(world.store, done.snapshot)
    assert found["Debian:11", "curl"]["DEBIAN-CVE-2024-1"].severity == "negligible"
    assert set(found["Alpine:v3.16", "curl"]) == {"ALPINE-CVE-2022-1", "ALPINE-CVE-2022-2"}
    without = json.dumps({**TRACKER, "curl": {}}).encode()
    again = of(world.store, import_feed(effects, ALICE, "osv", [without]).snapshot)
    assert ("Debian:11", "curl") not in again
    assert ("Alpine:v3.16", "curl") in again
    assert ("Debian:12", "wget") in again
