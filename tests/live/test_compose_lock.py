"""The real Compose reads our lock as it reads the author's files, but for images and labels; ours runs without us."""

import json
import os
import subprocess

import pytest

from pipeline.adapters.oci_registry import OciRegistry, RegistrySettings
from targets.compose import yaml12
from targets.compose.forms import text_of
from targets.render.script import env_file
from tests.support.compose import find
from tests.support.rendering import FILES, Paper

pytestmark = pytest.mark.live
COMPOSE = find()
SECRETS = {"DATABASE_URL": "postgres://db/x$y", "API_TOKEN": "t0ken"}

RICH = {
    "compose.yaml": """
name: whatever
x-shared: &shared
  restart: unless-stopped
  logging: {driver: json-file, options: {max-size: 10m}}
include: [extra/compose.yaml]
services:
  api:
    <<: *shared
    image: reg.example/acme/api:v1
    build: .
    command: ["serve", "--price", "5$$", "--level=${LEVEL:-info}"]
    environment:
      DATABASE_URL: ${DATABASE_URL}
      NUMBER: 0440
      FLOAT: 1.50
      FLAG: true
      YES: YES
      EMPTY:
      QUOTED: 'a "quoted" $$HOME'
    env_file: [worker.env]
    ports: ["8080:8080", "222:22", {target: 9, published: "9"}]
    volumes:
      - ./conf/api.conf:/etc/api.conf:ro
      - state:/var/lib/api
      - {type: tmpfs, target: /cache}
    configs: [{source: api, target: /etc/other.conf, mode: 0440}]
    secrets: [token]
    depends_on: [worker]
    healthcheck: {test: ["CMD", "true"], interval: 1m30s}
    labels: {team: shop, price: 5}
    ulimits: {nofile: {soft: 10, hard: 20}}
    networks: [front, default]
    cpus: 0.5
    extra_hosts: ["db:10.0.0.1"]
    stop_grace_period: 10s
  worker:
    extends: {file: base/base.yaml, service: base}
    image: reg.example/acme/worker:v2
    deploy: {replicas: "${COUNT:-2}"}
    profiles: [jobs]
networks:
  front: {driver: bridge}
volumes:
  state: {}
configs:
  api: {file: ./conf/api.conf}
secrets:
  token: {environment: API_TOKEN}
""",
    "extra/compose.yaml": "services: {side: {image: 'reg.example/acme/worker:v2', volumes: ['./side.conf:/s:ro'], environment: ['A=${TAG}']}}\n",
    "extra/.env": "TAG=7\n",
    "extra/side.conf": "x\n",
    "base/base.yaml": "services: {base: {image: b, cap_drop: [ALL], environment: {BASE: 'yes'}, env_file: base.env}}\n",
    "base/base.env": "FROM_BASE=1\nQUEUE=base\n",
    "worker.env": "QUEUE=jobs # the queue\nexport SPACED = x \nLITERAL='$HOME'\nBOTH=\"${QUEUE}-\\n-$QUEUE\"\nEMPTY=\n",
    "conf/api.conf": "listen 8080\n",
}
CASES = {"small": (dict(FILES), (("LEVEL", "debug"),)), "rich": (RICH, (("LEVEL", "debug"), ("EMPTY", "from outside")))}


def compose(folder, *arguments, env):
    done = subprocess.run(
        [COMPOSE, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def resolved(folder, files, env):
    """What Compose makes of a project, with paths and the project's name made comparable."""
    text = compose(
        folder, "-p", "same", *(f"--file={name}" for name in files), "--profile=*", "config", "--format=json", env=env
    )
    value = json.loads(text.replace(json.dumps(str(folder))[1:-1], "/project"))
    for service in value["services"].values():
        service.pop("image", None)
        service.pop("build", None)
        service["labels"] = {k: v for k, v in (service.get("labels") or {}).items() if not k.startswith("stella.")}
    value.pop("x-stella", None)
    return value


@pytest.mark.skipif(COMPOSE is None, reason="Compose v2 is not installed: tests/live/install.sh brings it")
@pytest.mark.parametrize("case", sorted(CASES))
def test_compose_reads_lock_and_original_alike_but_for_images_and_labels(case, tmp_path):
    files, variables = CASES[case]
    paper = Paper(files=files, variables=variables, secrets=tuple(sorted(SECRETS)))
    done = paper.render()
    author, lock = tmp_path / "author", tmp_path / "lock"
    for path, text in files.items():
        (author / path).parent.mkdir(parents=True, exist_ok=True)
        (author / path).write_text(text)
    for artifact in done.record.artifacts:
        (lock / artifact.name).parent.mkdir(parents=True, exist_ok=True)
        (lock / artifact.name).write_bytes(paper.world.store.get(artifact.digest))
    original = resolved(author, ["compose.yaml"], {**SECRETS, **dict(variables)})
    ours = resolved(lock, ["compose.stella.lock.yml"], SECRETS)
    assert ours == original


@pytest.mark.skipif(COMPOSE is None, reason="Compose v2 is not installed: tests/live/install.sh brings it")
def test_a_lock_names_its_project_and_pins_every_image_for_compose_too(tmp_path):
    paper = Paper(files=RICH, variables=(("EMPTY", ""),), secrets=tuple(sorted(SECRETS)))
    done = paper.render()
    for artifact in done.record.artifacts:
        (tmp_path / artifact.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / artifact.name).write_bytes(paper.world.store.get(artifact.digest))
    text = compose(tmp_path, "--file=compose.stella.lock.yml", "--profile=*", "config", "--format=json", env=SECRETS)
    found = json.loads(text)
    assert found["name"] == "myapp_production"
    assert all("@sha256:" in service["image"] for service in found["services"].values())
    assert {service["labels"]["stella.component.id"] for service in found["services"].values()} == {"api", "worker"}


@pytest.mark.skipif(COMPOSE is None, reason="Compose v2 is not installed: tests/live/install.sh brings it")
def test_compose_reads_stella_env_back_as_it_was(tmp_path):
    values = {
        "A": "it's",
        "B": "x y # z",
        "C": "two\nlines",
        "D": '"',
        "E": "a\\b",
        "F": "$x ${y}",
        "G": "",
        "H": 'it\'s $x \\ "q"',
    }
    (tmp_path / "stella.env").write_bytes(env_file(tuple(sorted(values.items()))))
    lines = "\n".join(f'      {name}: "${{{name}}}"' for name in values)
    (tmp_path / "compose.yaml").write_text(f"services:\n  a:\n    image: i\n    environment:\n{lines}\n")
    found = json.loads(compose(tmp_path, "--env-file=stella.env", "config", "--format=json", env={}))
    # config escapes dollars so that its output can be read again
    assert {k: v.replace("$$", "$") for k, v in found["services"]["a"]["environment"].items()} == values


@pytest.mark.skipif(COMPOSE is None, reason="Compose v2 is not installed: tests/live/install.sh brings it")
@pytest.mark.parametrize(
    "scalar", ["0440", "22:22", "YES", "1.50", "1e21", "0o17", "0x1F", "1_000", "08", "true", "'2001-01-01'", "1e3"]
)
def test_scalars_mean_to_compose_what_they_mean_to_us(scalar, tmp_path):
    text = f"services: {{a: {{image: i, environment: {{X: {scalar}}}}}}}\n"
    (tmp_path / "compose.yaml").write_text(text)
    found = json.loads(compose(tmp_path, "config", "--format=json", env={}))
    ours = yaml12.load(text.encode())["services"]["a"]["environment"]["X"]
    assert found["services"]["a"]["environment"]["X"] == text_of(ours)


def test_plain_compose_runs_the_lock_without_us(hosts, registry, web, compose_program, tmp_path):
    host, (_, images) = hosts[0], web
    paper = Paper(
        files={"compose.yaml": f"services: {{web: {{image: '{registry.address}/shop/web:v1'}}}}\n"},
        components=(("web", f"{registry.address}/shop/web:v1"),),
    )
    source = OciRegistry(RegistrySettings(host=registry.address, http=True))
    paper.effects = paper.world.effects(images=lambda where: source)
    (tmp_path / "compose.stella.lock.yml").write_text(paper.lock())
    docker = {"DOCKER_HOST": host.url}
    compose(tmp_path, "-f", "compose.stella.lock.yml", "up", "-d", "--wait", env=docker)
    try:
        [found] = json.loads(
            f"[{compose(tmp_path, '-f', 'compose.stella.lock.yml', 'ps', '--format=json', env=docker)}]"
        )
        assert found["State"] == "running"
        assert found["Name"] == "myapp_production-web-1"
        assert found["Image"] == f"{registry.address}/shop/web@{images[1]['digest']}"
    finally:
        compose(tmp_path, "-f", "compose.stella.lock.yml", "down", "-t", "0", env=docker)
        source.close()
