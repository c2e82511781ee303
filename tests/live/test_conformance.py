"""The adapters' contract, held against real engines; and hook scripts, which run beside them."""

import pytest

from cas.records.deploy import Receipt
from cas.store import load
from tests.live.conftest import ADAPTERS, compose_target, delivery, docker_target
from tests.support.delivery import target
from tests.support.shop import TEMPLATE, release, version
from tests.support.target_conformance import CHECKS, Subject
from tests.support.world import World


@pytest.fixture(params=["docker_host", "compose_host"])
def subject(request, hosts, compose_program):
    one = docker_target(hosts[0]) if request.param == "docker_host" else compose_target(hosts[0], compose_program)
    return Subject(ADAPTERS[request.param], one, World().effects())


def test_the_contract(subject, hosts):
    for check in CHECKS:
        check(subject)
        hosts[0].clean()


HOOK = b"""echo "$1 for $STELLA_RELEASE on $STELLA_TARGET, $HOME$PGPASSWORD"
echo "$1" >> hooks.log
[ "$1" != fail-$STELLA_TARGET ]
"""


def deploy_with_hook(hosts, registry, web, script, number, **settings):
    one = target(
        "alpha", "docker_host", url=hosts[0].url, directory=str(hosts[0].files), settle_seconds="1", **settings
    )
    made = delivery(one)
    files = {"conf/app.conf": b"a = 1\n", "deploy.stella.sh": script}
    return made, made.deploy(release(made, registry, web, number, files=files, template=TEMPLATE))


def logs(made, ended):
    receipts = [load(made.world.store, name, Receipt) for name in ended.result.outcomes[0].receipts]
    return {one.step: (one.result, made.world.store.get(one.log) if one.log else b"") for one in receipts}


def test_hooks_run_before_and_after_with_their_output_captured(hosts, registry, web, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "not-for-hooks")
    made, ended = deploy_with_hook(hosts, registry, web, HOOK, 1, hooks="run")
    assert ended.result.result == "deployed"
    found = logs(made, ended)
    assert found["pre-deploy"] == ("done", b"pre-deploy for shop-1 on alpha, \n")
    assert found["post-deploy"] == ("done", b"post-deploy for shop-1 on alpha, \n")
    assert (hosts[0].files / "shop_production/hooks.log").read_text() == "pre-deploy\npost-deploy\n"


@pytest.mark.parametrize("hook", ["pre-deploy", "post-deploy"])
def test_a_hook_that_fails_leaves_nothing_switched(hosts, registry, web, hook):
    _, ended = deploy_with_hook(hosts, registry, web, f'[ "$1" != {hook} ]'.encode(), 1, hooks="run")
    assert ended.result.result == ("failed" if hook == "pre-deploy" else "rolled_back")
    assert ended.result.outcomes[0].code == "target.hook_failed"
    with hosts[0].client() as client:
        assert not client.containers.list(all=True)


def test_hooks_do_not_run_where_the_settings_do_not_say_so(hosts, registry, web):
    made, ended = deploy_with_hook(hosts, registry, web, HOOK, 1)
    assert ended.result.result == "deployed"
    assert logs(made, ended)["pre-deploy"][0] == "unchanged"
    assert not (hosts[0].files / "shop_production/hooks.log").exists()
    assert version(hosts[0]) == 1
