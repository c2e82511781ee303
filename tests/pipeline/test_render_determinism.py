"""Every stage of rendering gives the same bytes under another hash seed, time zone and locale, in another process."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from cryptography.hazmat.primitives.asymmetric import ed25519
from pipeline.adapters.keys import signer_of
from tests.support.rendering import FILES, Paper
files = {**FILES, "compose.override.yaml": "services: {api: {labels: {b: 1, a: 2}, networks: [y, x]}}\\nnetworks: {y: {}, x: {}}"}
signer = signer_of(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))), purposes=("server",), ref="k")
paper = Paper(files=files, targets=("b", "a", "c"), variables=(("A", "1"), ("LEVEL", "x")))
rendered, listed, sealed = paper.seal(signer)
print(rendered.lock, rendered.lock_document, listed.body, sealed.manifest, sealed.checksums, sealed.target_checksums)
"""


@pytest.fixture(scope="module")
def here(pytestconfig):
    return run(pytestconfig.rootpath, {"PYTHONHASHSEED": "0", "TZ": "UTC"})


def run(root, environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("sha256:") >= 6
    return done.stdout


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns"},
    ],
    ids=["far east", "turkish"],
)
def test_other_seeds_zones_and_locales_give_the_same_files(here, environment, pytestconfig):
    assert run(pytestconfig.rootpath, environment) == here
