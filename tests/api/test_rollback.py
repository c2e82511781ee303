"""Over HTTP: return to the packet before, and go on after a crash of ours."""

from api.wiring import _adapters
from tests.api.doors import Doors
from tests.api.journey import Journey
from tests.support.images import Layout, LayoutImages


class Dying:
    """An adapter whose process dies at its first step."""

    def __init__(self, real):
        self._real, self._lives = real, False

    def __getattr__(self, name):
        return getattr(self._real, name)

    def apply(self, *words):
        if not self._lives:
            self._lives = True
            raise RuntimeError("the process died here")
        return self._real.apply(*words)


def deploy(journey, release):
    promotion = journey.ask("promotion.request", release=release, environment="prod", reason="go").id
    return journey.approved(promotion)


def test_a_rollback_returns_to_what_ran_before(tmp_path):
    doors = Doors()
    with doors.client() as http:
        journey = Journey(doors, http, tmp_path)
        journey.prepare(journey.image())
        first = journey.ask("deployment.start", promotion=deploy(journey, "shop-v1"))
        layout = Layout()
        layout.name("v1", layout.image({"app": (b"v2\n", 0o755)}))
        doors.images = LayoutImages(layout)
        doors.world.clock.at = "2026-03-01T12:10:00Z"
        component = {"name": "web", "reference": "registry.example/shop/web:v1"}
        compose = b"services:\n  web:\n    image: registry.example/shop/web:v1\n"
        made = journey.ask(
            "release.create",
            name="shop-v2",
            components=[component],
            line="shop",
            template=[{"path": "compose.yaml", "data": compose}],
            platforms=["linux/amd64"],
        )
        image = made.release.components[0].digest
        headers = {"Content-Type": "application/octet-stream"}
        journey.move(
            "evidence.upload", f"/evidence?subject={image}", content=doors.world.store.get(journey.raw), headers=headers
        )
        second = journey.ask("deployment.start", promotion=deploy(journey, "shop-v2"))
        assert (first.result, second.result) == ("deployed", "deployed")
        asked = journey.ask("deployment.rollback", environment="prod", reason="bad")
        if asked.deployment is None:
            journey.ask("deployment.start", promotion=journey.approved(asked.promotion))
        assert asked.back_to == "shop-v1"
        assert [one.release for one in journey.ask("status").running] == ["shop-v1"]


def test_a_deployment_that_failed_is_told_by_every_operation_until_one_succeeds(tmp_path):
    doors = Doors()
    with doors.client() as http:
        journey = Journey(doors, http, tmp_path)
        journey.prepare(journey.image())
        (tmp_path / "host").write_bytes(b"a file where the target's folder was")
        made = journey.ask("deployment.start", promotion=deploy(journey, "shop-v1"))
        [target] = made.outcomes
        assert (made.result, target.code, target.at) == ("failed", "target.folder_obstructed", str(tmp_path / "host"))
        assert dict(target.facts) == {"path": str(tmp_path / "host"), "reason": "Not a directory"}
        assert target.title.startswith("Something else")
        assert target.remedy.startswith("Look at path")
        assert [one.command for one in made.next] == ["stella promote shop-v1 --to prod"]
        assert journey.ask("status").failed == (made,)
        assert journey.ask("deployment.show", id=made.id) == made
        assert journey.ask("deployment.list").items == (made,)
        refused = http.post("/api/v1/deployment-jobs/resume", headers=journey.token, json={"environment": "prod"})
        assert (refused.status_code, refused.json()["code"]) == (404, "deploy.nothing_to_resume")
        assert ["deployment", made.id] in refused.json()["fields"]
        (tmp_path / "host").unlink()
        (tmp_path / "host").mkdir()
        assert journey.ask("deployment.start", promotion=deploy(journey, "shop-v1")).result == "deployed"
        assert journey.ask("status").failed == ()


def test_a_deployment_that_died_is_resumed(tmp_path):
    doors = Doors()
    with doors.client() as http:
        journey = Journey(doors, http, tmp_path)
        journey.prepare(journey.image())
        promotion = deploy(journey, "shop-v1")
        dying, real = {}, _adapters()

        def adapter(target):
            return dying.setdefault(target.type, Dying(real(target)))

        object.__setattr__(doors.effects, "adapter", adapter)
        path = "/api/v1/deployment-jobs"
        assert http.post(path, headers=journey.token, json={"promotion": promotion}).status_code == 500
        seen = journey.ask("status")
        assert (seen.under_way, seen.failed) == (("prod",), ())
        [held] = seen.deploying
        assert (held.release, held.environment, held.result) == ("shop-v1", "prod", "")
        assert [one.command for one in held.next] == ["stella deploy --resume prod"]
        assert journey.ask("deployment.resume", environment="prod").result == "deployed"
        assert journey.ask("status").under_way == ()
