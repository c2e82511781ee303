"""Evidence over HTTP: single POSTs, one batch, a streamed body, beside multipart with the same framework and store.

A real server (uvicorn over loopback TCP) in another process, on a home on disk: every answer is durable.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.table import Row, ratios

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "sha256:" + "1" * 64
ROUNDS = 5
BATCH = 100
SINGLES = 60
LARGE = 8 << 20

MULTIPART = """
import sys
from pathlib import Path
import uvicorn
from litestar import Litestar, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from typing import Annotated
from cas import digest
from cas.adapters.home import Home
home = Home.open(Path(sys.argv[1]))

@post("/put", request_max_body_size=None)
async def put(data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]) -> str:
    name = home.store.put(await data.read())
    home.store.flush()
    return name

@post("/stream", request_max_body_size=None)
async def stream(request: __import__("litestar").Request) -> str:
    held = bytearray()
    import asyncio, queue, threading
    chunks = queue.Queue(8)
    def feed():
        while (chunk := chunks.get()) is not None:
            yield chunk
    task = asyncio.get_running_loop().run_in_executor(None, lambda: home.store.write(feed()))
    async for piece in request.stream():
        held += piece
        if len(held) >= 1 << 20:
            await asyncio.to_thread(chunks.put, bytes(held)); held.clear()
    await asyncio.to_thread(chunks.put, bytes(held)); await asyncio.to_thread(chunks.put, None)
    name = await task
    await asyncio.to_thread(home.store.flush)
    return name

print("ready", flush=True)
uvicorn.run(Litestar([put, stream], logging_config=None), host="127.0.0.1", port=int(sys.argv[2]), log_config=None, access_log=False)
"""


def document(at, size=2048):
    """An SBOM of about 2 KB."""
    parts = [
        {"type": "library", "name": f"p{at}-{i}", "version": "1", "purl": f"pkg:npm/p{at}-{i}@1"}
        for i in range(size // 100)
    ]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": at + 1, "components": parts}).encode()


@contextmanager
def served():
    """A founded, served home; gives (address, token)."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        env = {**os.environ, "STELLA_HOME": f"{folder}/h", "HOME": folder}
        run = [sys.executable, "-m", "api.cli.main"]
        subprocess.run([*run, "init"], env=env, cwd=ROOT, check=True, capture_output=True)
        made = subprocess.run(
            [*run, "token", "create", "b", "--scope", "evidence:write", "--scope", "object:read", "-o", "json"],
            env=env, cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        process = subprocess.Popen(
            [*run, "serve", "--listen", "127.0.0.1:0"], env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        try:
            yield "http" + process.stderr.readline().rsplit("http", 1)[1].strip(), json.loads(made.stdout)["token"]
        finally:
            process.terminate()
            process.wait(30)
            process.stderr.close()


@contextmanager
def multipart():
    """The peer: Litestar's own UploadFile in front of the same store; also our streaming shape without the judging."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", MULTIPART, f"{folder}/h", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            process.stdout.readline()
            until = time.monotonic() + 20
            while time.monotonic() < until:
                try:
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                except OSError:
                    continue
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def timed(work):
    """Seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run():
    """Measure, shuffled within each round."""
    rows = []
    with served() as (address, token), httpx.Client(timeout=120, trust_env=False) as http:
        headers = {"Authorization": f"Bearer {token}"}
        raw = {**headers, "Content-Type": "application/octet-stream"}
        pairs, count = [], 0
        for at in range(ROUNDS + 1):
            singles = [document(count + i) for i in range(SINGLES)]
            batch = [document(count + SINGLES + i) for i in range(BATCH)]
            count += SINGLES + BATCH
            lines = b"\n".join(
                json.dumps(
                    {
                        "data": __import__("base64").b64encode(one).decode(),
                        "subject": IMAGE[:-4] + f"{count % 4096:04x}",
                    }
                ).encode()
                for one in batch
            )

            def each(singles=singles, count=count):
                for one in singles:
                    answer = http.post(
                        f"{address}/api/v1/evidence?subject={IMAGE[:-4]}{(count + 1) % 4096:04x}",
                        content=one,
                        headers=raw,
                    )
                    assert answer.status_code == 201, answer.text

            def together(lines=lines):
                answer = http.post(
                    f"{address}/api/v1/evidence/batch",
                    content=lines,
                    headers={**headers, "Content-Type": "application/x-ndjson"},
                )
                assert len(answer.json()["receipts"]) == BATCH, answer.text

            taken = (BATCH / timed(together), SINGLES / timed(each))
            if at:  # the first round has the server read its schemas: whoever came first would pay for both
                pairs.append(taken)
        middle, low, high = ratios(pairs)
        note = f"{low:.1f} to {high:.1f}; judged and durable"
        rows.append(
            Row(
                "batch evidence endpoint",
                median(a for a, _ in pairs),
                "single POSTs",
                median(b for _, b in pairs),
                middle,
                8.0,
                "items/s",
                note,
            )
        )
    with multipart() as peer, httpx.Client(timeout=120, trust_env=False) as http:
        pairs = []
        for at in range(ROUNDS + 1):
            data = bytes([at]) + os.urandom(1 << 16) * (LARGE >> 16)
            other = bytes([at + 100]) + data[1:]
            ours = timed(lambda data=data: http.post(f"{peer}/stream", content=data).raise_for_status())
            theirs = timed(
                lambda other=other: http.post(f"{peer}/put", files={"data": ("sbom.json", other)}).raise_for_status()
            )
            if at:
                pairs.append((len(data) / ours, len(data) / theirs))
        middle, low, high = ratios(pairs)
        rows.append(
            Row(
                "streamed upload, 8 MB",
                median(a for a, _ in pairs),
                "multipart UploadFile, same store",
                median(b for _, b in pairs),
                middle,
                1.3,
                "B/s",
                f"{low:.1f} to {high:.1f}; store write is durable",
            )
        )
    return rows


if __name__ == "__main__":
    from benchmarks.table import print_table

    print_table(run())
