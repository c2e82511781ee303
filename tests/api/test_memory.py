"""Memory is bounded by the document, not by who sends how many: resident size of a real server while it is fed."""

import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.api.test_cli import IMAGE, stella
from tests.api.test_served import serving

LIMIT = 200 << 20


def resident(folder):
    """Peak resident size of the process that holds a home's lock, in bytes."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if (
                    b"serve" in (process / "cmdline").read_bytes()
                    and str(folder).encode() in (process / "environ").read_bytes()
                ):
                    return int(re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())[1]) << 10
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    raise AssertionError("no server")


def sbom(components, serial):
    """A CycloneDX document of realistic width."""
    parts = [
        {
            "type": "library",
            "bom-ref": f"pkg:npm/%40scope/package-{at}@1.{at}.0",
            "name": f"package-{at}",
            "version": f"1.{at}.0",
            "purl": f"pkg:npm/%40scope/package-{at}@1.{at}.0",
            "licenses": [{"license": {"id": "MIT"}}],
            "hashes": [{"alg": "SHA-256", "content": f"{at:064x}"}],
            "description": "a library that does one thing, and does it for everybody who asks " * 4,
        }
        for at in range(components)
    ]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": serial, "components": parts}
    return json.dumps(document).encode()


def test_a_sbom_of_10000_components_stays_under_200_mb_even_four_at_a_time(tmp_path):
    stella("init", home=tmp_path, code=0)
    made = stella("token", "create", "ci", "--scope", "evidence:write", "-o", "json", home=tmp_path, code=0)
    headers = {
        "Authorization": f"Bearer {json.loads(made.stdout)['token']}",
        "Content-Type": "application/octet-stream",
    }
    answers = []

    def send(address, body):
        url = f"{address}/api/v1/evidence?subject={IMAGE}"
        answers.append(httpx.post(url, content=body, headers=headers, timeout=120, trust_env=False))

    bodies = [sbom(10_000, at + 1) for at in range(4)]
    with serving(tmp_path) as address:
        threads = [threading.Thread(target=send, args=(address, body)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        peak = resident(tmp_path)
    assert [answer.status_code for answer in answers] == [201] * 4, answers[0].text[:500]
    assert peak < LIMIT, f"{peak >> 20} MB resident"
    assert os.getpid()


def held_upload(address, headers, body, begun, free):
    """Send a body all but for its last byte, until it is let go; give the status."""

    def pieces():
        for at in range(0, len(body) - 1, 1 << 20):
            yield body[at : min(at + (1 << 20), len(body) - 1)]
        begun.release()
        free.wait(120)
        yield body[-1:]

    url = f"{address}/api/v1/evidence?subject={IMAGE}"
    return httpx.post(url, content=pieces(), headers=headers, timeout=120, trust_env=False).status_code


def test_four_uploads_of_50_mb_in_flight_stay_under_200_mb(tmp_path):
    """All four are on their way at once: they wait on disk, wherever the sender stops."""
    stella("init", home=tmp_path, code=0)
    made = stella("token", "create", "ci", "--scope", "evidence:write", "-o", "json", home=tmp_path, code=0)
    headers = {
        "Authorization": f"Bearer {json.loads(made.stdout)['token']}",
        "Content-Type": "application/octet-stream",
    }
    body = b"x" * (50 << 20)
    begun, free = threading.Semaphore(0), threading.Event()
    with serving(tmp_path) as address, ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(held_upload, address, headers, body, begun, free) for _ in range(4)]
        try:
            assert all(begun.acquire(timeout=120) for _ in sent)
        finally:
            free.set()
        answers = [one.result() for one in sent]
        peak = resident(tmp_path)
    assert answers == [400] * 4, "received whole, and no JSON"
    assert peak < LIMIT, f"{peak >> 20} MB resident"
