"""Search: where an image, a release or a vulnerability runs now, since when, by which verdict."""

import json

from api.calls.search import SearchView
from tests.api.doors import Doors
from tests.api.journey import Journey
from tests.api.test_cli import stella

ADVISORY = {
    "schema_version": "1.6.0",
    "id": "GHSA-abcd-efgh-2345",
    "aliases": ["CVE-2026-1111"],
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.32.0"}]}],
        }
    ],
}


def test_a_vulnerability_leads_to_the_targets_that_run_it_and_what_was_just_written_is_found(tmp_path):
    doors = Doors()
    with doors.client() as http:
        walk = Journey(doors, http, tmp_path)
        image = walk.image()
        walk.prepare(image)
        walk.ask("feed.import", name="osv", documents=[{"data": json.dumps(ADVISORY).encode(), "format": "osv"}])
        promotion = walk.promote()
        before = walk.ask("search", q="cve-2026-1111")
        assert (before.kind, before.runs, before.affected) == ("vulnerability", (), ())
        walk.deliver(promotion)
        found = walk.ask("search", q="cve-2026-1111")
        assert found.log_size == doors.effects.log.head().size, "nothing that was written is left out"
        elsewhere = doors.token("deployment:read", environments=("dev",))
        hidden = http.get("/api/v1/search", params={"q": image}, headers=elsewhere).json()
        few = walk.ask("search", q="shop-v1", limit=1)
        by_alias = walk.ask("search", q="GHSA-ABCD-efgh-2345")
        by_host = walk.ask("search", q="one")
        by_package = [
            walk.ask("search", q=f"pkg:pypi/{name}") for name in ("requests", "requests@2.31.0", "requests@2.3", "req")
        ]
    (line,) = found.runs
    assert (line.environment, line.target, line.component, line.digest) == ("prod", "one", "web", image)
    assert (line.promotion, line.allowed) == (promotion, "allow")
    (told,) = found.affected
    assert (told.purl, told.open, told.release) == ("pkg:pypi/requests@2.31.0", True, "shop-v1")
    assert (by_alias.affected, by_alias.runs) == (found.affected, found.runs), "by any of its names"
    assert (by_host.kind, by_host.runs) == ("host", found.runs)
    assert [(one.kind, one.runs == found.runs) for one in by_package] == [
        ("package", True),
        ("package", True),
        ("package", False),
        ("package", False),
    ]
    assert hidden["runs"] == [], "a token sees its own environments only"
    assert (len(few.runs), few.more) == (1, False)


def test_where_answers_on_a_home_that_has_nothing(tmp_path):
    stella("init", home=tmp_path, code=0)
    assert "nothing" in stella("where", "CVE-2026-1111", home=tmp_path, code=0).stdout
    answer = json.loads(stella("where", "sha256:" + "1" * 64, "-o", "json", home=tmp_path, code=0).stdout)
    assert (answer["kind"], answer["runs"]) == ("image", [])
    stella("index", "rebuild", home=tmp_path, code=0)
    again = json.loads(stella("where", "sha256:" + "1" * 64, "-o", "json", home=tmp_path, code=0).stdout)
    assert again == answer, "from the snapshot and the log's tail"
    assert set(answer) == set(SearchView.__struct_fields__)
