"""Fifteen Compose files of public projects: each is accepted or refused, with the reason; corrected, all are accepted."""

from pathlib import Path

import pytest

from targets.compose import template, yaml12
from targets.compose.problems import ComposeInvalid
from targets.render import yaml_text

HERE = Path(__file__).resolve().parents[2] / "data" / "compose"

SECRET = "compose.secret_literal"
MISSING = "compose.file_missing"
EXPECTED = {
    # development set-ups with their passwords in the file: a release must not carry them
    "archivista.compose.yaml": {SECRET},
    "archivista-dev.compose.yaml": {SECRET},
    "litestar-infra.compose.yaml": {SECRET},
    "trustify.compose.yaml": {SECRET},
    "trustify-otel.compose.yaml": {SECRET},
    "trustify-sso.compose.yaml": {SECRET},
    "zarf.compose.yaml": {SECRET},
    "tessera.compose.yaml": {SECRET},  # LOG_PRIVATE_KEY is a signing key
    # env files that were not captured with the file; passwords beside them
    "orca-cd.compose.yaml": {MISSING},
    "warehouse.compose.yaml": {MISSING, SECRET},
    # the image comes from a variable without a value in the template, so no component can be it
    "kosli.compose.yaml": {MISSING, SECRET, "compose.image_variable"},
    # its env file lies two folders above
    "litestar.compose.yaml": {SECRET, "compose.path_outside"},
    # includes ./compose.common.yml, which was captured under another name
    "chainloop.compose.yaml": {MISSING},
    # ALLOW_EMPTY_PASSWORD=yes says something about a password and is none; ports are text, not sexagesimal numbers
    "chainloop-common.compose.yaml": set(),
    "claircore.compose.yaml": set(),
}


def read(files, main):
    return template.read(files, files.__getitem__, (main,))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_project_is_accepted_or_refused_for_the_right_reason(name):
    files = {name: (HERE / name).read_bytes()}
    if not EXPECTED[name]:
        assert read(files, name).services
        return
    with pytest.raises(ComposeInvalid) as problem:
        read(files, name)
    assert {fault.code for fault in problem.value.fields["faults"]} == EXPECTED[name]


def test_every_file_we_have_is_expected():
    assert {path.name for path in HERE.glob("*.yaml")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_real_project_is_accepted_once_its_author_corrects_it(name):
    """Secrets become references, missing files are captured: what every fault's message asks for."""
    document = yaml12.load((HERE / name).read_bytes())
    files = {
        ".env": b"KOSLI_SERVER_IMAGE=kosli/server:1\n",
        "compose.common.yml": (HERE / "chainloop-common.compose.yaml").read_bytes(),
    }
    for service in document["services"].values():
        for env_file in (
            [service.get("env_file")] if isinstance(service.get("env_file"), str) else service.get("env_file", [])
        ):
            if env_file.startswith("../"):
                service["env_file"] = ["local.env"]
            files[env_file.removeprefix("./") if not env_file.startswith("../") else "local.env"] = b"NAME=value\n"
        environment = service.get("environment", {})
        service["environment"] = (
            dict(one.partition("=")[::2] for one in environment) if isinstance(environment, list) else environment
        )
    for _ in range(2):
        data = {**files, "compose.yaml": "\n".join([*yaml_text.lines(document), ""]).encode()}
        try:
            found = read(data, "compose.yaml")
            break
        except ComposeInvalid as problem:
            for fault in problem.fields["faults"]:
                assert fault.code == SECRET, fault
                _, _, service, _, variable = fault.pointer.split("/")
                document["services"][service]["environment"][variable] = "${" + variable + "}"
    else:
        raise AssertionError(name)
    assert len(found.services) >= len(document["services"])


def test_ports_stay_text_and_anchors_are_shared_by_value():
    warehouse = yaml12.load((HERE / "warehouse.compose.yaml").read_bytes())
    assert warehouse["services"]["web"]["volumes"] == warehouse["services"]["base"]["volumes"]
    assert "1025:1025" in warehouse["services"]["mailpit"]["ports"]
    zarf = yaml12.load((HERE / "zarf.compose.yaml").read_bytes())
    assert zarf["services"]["server"]["ports"] == ["3000:3000", "222:22"]
