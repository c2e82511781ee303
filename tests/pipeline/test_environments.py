import pytest

from cas import refs
from cas.digest import uuid_of
from cas.records.base import pairs
from pipeline.operations import environments
from pipeline.operations.environments import EnvironmentInvalid, EnvironmentMissing, TargetMissing
from targets.problems import KindUnknown, SettingsInvalid
from tests.support.world import ALICE, World


@pytest.fixture
def effects():
    return World().effects()


def codes(problem):
    return {fault.code for fault in problem.value.fields["faults"]}


def make(effects, name="production", **fields):
    return environments.set_environment(effects, ALICE, name, **fields)


def test_an_environment_is_made_and_what_is_not_given_stays(effects):
    make(effects, order=2, variables={"B": "2", "A": "1"}, secrets={"DATABASE_URL": "env:DATABASE_URL"})
    changed, named = make(effects, required_approvals=2)
    assert changed.order == 2
    assert changed.variables == pairs({"A": "1", "B": "2"})
    assert changed.required_approvals == 2
    assert environments.find_environment(effects, "production") == (changed, named)
    assert environments.find_environment(effects, uuid_of(named)) == (changed, named)


def test_setting_the_same_again_appends_nothing(effects):
    make(effects, order=1)
    make(effects, order=1)
    assert len(list(effects.log.read())) == 1


def test_going_back_to_an_earlier_setting_works(effects):
    make(effects, order=1)
    make(effects, order=2)
    assert make(effects, order=1)[0].order == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"variables": {"DB_PASSWORD": "hunter2"}}, "environment.secret_literal"),
        ({"variables": {"URL": "postgres://u:hunter2@db/x"}}, "environment.secret_literal"),
        ({"variables": {"A-B": "x"}}, "environment.variable_invalid"),
        ({"variables": {"A": "x\0"}}, "environment.variable_invalid"),
        ({"secrets": {"A": "hunter2"}}, "environment.secret_invalid"),
        ({"secrets": {"A": "env:A"}, "variables": {"A": "x"}}, "environment.variable_twice"),
        ({"allowed_bind_paths": ["/"]}, "environment.path_invalid"),
        ({"allowed_bind_paths": ["/srv/../etc"]}, "environment.path_invalid"),
        ({"allowed_bind_paths": ["srv"]}, "environment.path_invalid"),
        ({"after": "nowhere"}, "environment.after_unknown"),
        ({"after": "production"}, "environment.after_unknown"),
        ({"strategy": "yolo"}, "environment.strategy_unknown"),
        ({"order": -1}, "environment.number_invalid"),
        ({"required_approvals": True}, "environment.number_invalid"),
        ({"approver_groups": ["a", "b"], "required_approvals": 1}, "environment.groups_too_many"),
    ],
)
def test_what_an_environment_may_not_hold_is_named(effects, fields, code):
    with pytest.raises(EnvironmentInvalid) as problem:
        make(effects, **fields)
    assert code in codes(problem)
    assert not list(effects.log.read())


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "\x1b", "é"])
def test_hostile_names_are_refused(effects, name):
    with pytest.raises(EnvironmentInvalid):
        make(effects, name)


def test_targets_are_added_replaced_and_removed(effects, tmp_path):
    make(effects)
    settings = {"directory": str(tmp_path)}
    settings = valid(settings)
    _, one = environments.add_target(effects, ALICE, "production", "host1", type_="directory", settings=settings)
    _, same = environments.add_target(effects, ALICE, "production", "host1", type_="directory", settings=settings)
    assert one == same
    target, two = environments.add_target(
        effects, ALICE, "production", "host1", type_="directory", settings=settings, platform="linux/amd64"
    )
    assert two != one
    found = environments.list_environments(effects)[0]
    assert found.targets == ((target, two),)
    assert found.environment.targets == (two,)
    environments.remove_target(effects, ALICE, "production", "host1")
    assert environments.list_environments(effects)[0].targets == ()
    assert effects.log.ref(refs.target("production", "host1")) is None
    with pytest.raises(TargetMissing):
        environments.remove_target(effects, ALICE, "production", "host1")


def valid(settings):
    from targets.directory.plan import Settings

    names = Settings.__struct_fields__
    return {name: next(iter(settings.values())) for name in names[:1]}


def test_settings_are_checked_by_the_targets_kind(effects):
    make(effects)
    with pytest.raises(KindUnknown):
        environments.add_target(effects, ALICE, "production", "h", type_="toaster")
    with pytest.raises(SettingsInvalid):
        environments.add_target(effects, ALICE, "production", "h", type_="directory", settings={"nonsense": "x"})
    with pytest.raises(EnvironmentMissing):
        environments.add_target(effects, ALICE, "nowhere", "h", type_="directory")
    with pytest.raises(EnvironmentInvalid):
        environments.add_target(effects, ALICE, "production", "../h", type_="directory")


def test_freeze_windows_become_utc_instants(effects):
    make(effects)
    environments.set_freeze(
        effects,
        ALICE,
        "production",
        "2026-12-24T00:00:00+01:00",
        "2026-12-27T00:00:00Z",
        reason="holidays",
        exceptions=["bob", "bob"],
    )
    changed, _ = environments.set_freeze(
        effects,
        ALICE,
        "production",
        "2026-10-25T02:30:00",
        "2026-10-25T02:30:00",
        reason="clocks",
        zone="Europe/Berlin",
    )
    windows = [(one.start, one.end, one.exceptions) for one in changed.freeze_windows]
    assert windows == [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", ()),  # the hour that comes twice: the longer freeze
        ("2026-12-23T23:00:00Z", "2026-12-27T00:00:00Z", ("bob",)),
    ]
    left, _ = environments.clear_freeze(effects, ALICE, "production", "2026-10-25T00:30:00Z")
    assert len(left.freeze_windows) == 1
    with pytest.raises(EnvironmentInvalid):
        environments.clear_freeze(effects, ALICE, "production", "2026-10-25T00:30:00Z")


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2026-01-01T00:00:00", "2026-01-02T00:00:00Z", ""),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", ""),
        ("yesterday", "2026-01-01T00:00:00Z", ""),
        ("2026-01-01T00:00:00", "2026-01-02T00:00:00", "../../etc/passwd"),
        ("2026-01-01T00:00:00", "2026-01-02T00:00:00", "Mars/Base"),
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z", ""),
    ],
)
def test_times_that_are_none_are_refused(effects, start, end, zone):
    make(effects)
    with pytest.raises(EnvironmentInvalid):
        environments.set_freeze(effects, ALICE, "production", start, end, reason="x", zone=zone)


def test_environments_are_listed_in_their_order(effects):
    make(effects, "production", order=2)
    make(effects, "staging", order=1)
    assert [one.environment.name for one in environments.list_environments(effects)] == ["staging", "production"]


def test_production_keeps_seven_years_by_default(effects):
    assert make(effects, production=True)[0].retention_days == 2557
    assert make(effects, "dev")[0].retention_days == 30
