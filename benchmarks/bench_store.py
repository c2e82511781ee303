"""Store: durable puts, gets and large objects beside git, LMDB and one sync per put, on the same disk in the same rounds.

Every candidate hashes what it stores with SHA-256 (git: its own SHA-1), and what it holds afterwards is compared with
what was given before any time counts. ``durable`` means that fdatasync (or the peer's own sync) returned.
"""

import asyncio
import fcntl
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.table import Row, ratios
from cas.adapters.home import Home

ROUNDS = 5
COUNT = 60_000
BATCH = 1000
CLIENTS = 256
PUTS_EACH = 60
GIT = ["git", "-c", "core.compression=0", "-c", "pack.compression=0"]


def objects(count, seed):
    """Compressible objects of about 2.1 KB, like the decisions they stand for."""
    chance = random.Random(seed)
    return [(chance.randbytes(1050).hex() + str(at)).encode() for at in range(count)]


def timed(act):
    os.sync()
    begun = time.perf_counter()
    result = act()
    return time.perf_counter() - begun, result


def batches(data):
    return (data[at : at + BATCH] for at in range(0, len(data), BATCH))


# durable batched puts


def put_home(folder, data):
    with Home.open(folder / "home") as home:

        def put():
            for batch in batches(data):
                for one in batch:
                    home.store.put(one)
                home.store.flush()

        return timed(put)[0]


def put_lmdb(folder, data):
    import lmdb

    with lmdb.open(str(folder / "lmdb"), map_size=1 << 30) as env:

        def put():
            for batch in batches(data):
                with env.begin(write=True) as transaction:
                    for one in batch:
                        transaction.put(hashlib.sha256(one).digest(), one)

        return timed(put)[0]


def put_git(folder, data):
    """One stream, no deltas, no compression, one sync at the end: git's best, and less than what we promise."""
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(one), one) for one in data)
    command = [*GIT, "-C", str(folder / "git"), "fast-import", "--quiet", "--depth=0"]
    return timed(lambda: subprocess.run(command, input=stream, check=True))[0]


def check_puts(folder, data):
    with Home.open(folder / "home", writable=False) as home:
        assert all(home.store.get("sha256:" + hashlib.sha256(one).hexdigest()) == one for one in data)
    import lmdb

    with lmdb.open(str(folder / "lmdb"), map_size=1 << 30) as env, env.begin() as transaction:
        assert all(transaction.get(hashlib.sha256(one).digest()) == one for one in data)
    assert git_bytes(folder, data) == sum(map(len, data))


def git_name(one):
    return hashlib.sha1(b"blob %d\0%s" % (len(one), one)).hexdigest()


def git_cat(folder, names):
    command = [*GIT, "-C", str(folder / "git"), "cat-file", "--batch", "--buffer"]
    return subprocess.run(command, input="\n".join(names).encode() + b"\n", capture_output=True, check=True).stdout


def git_bytes(folder, data):
    out = git_cat(folder, [git_name(one) for one in data])
    return len(out) - sum(len(git_name(one)) + len(f" blob {len(one)}\n") + 1 for one in data)


def puts(folder):
    seen = {"home": [], "lmdb": [], "git": []}
    for number in range(ROUNDS):
        data = objects(COUNT, number)
        candidates = [("home", put_home), ("lmdb", put_lmdb), ("git", put_git)]
        random.Random(number).shuffle(candidates)
        fresh(folder)
        for name, put in candidates:
            seen[name].append(COUNT / put(folder, data))
        check_puts(folder, data)
    ours = sorted(seen["home"])[ROUNDS // 2]
    rows = []
    for name, goal, peer in (("git", 15, "git fast-import, depth 0, compression 0"), ("lmdb", 2, "LMDB, sync")):
        ratio, low, high = ratios(list(zip(seen["home"], seen[name], strict=True)))
        value = sorted(seen[name])[ROUNDS // 2]
        limit = f"sealing waits for a pause between commits; {low:.1f} to {high:.1f}"
        rows.append(
            Row("durable batched put, 2 KB, 1000 per commit", ours, peer, value, ratio, goal, "objects/s", limit)
        )
    return rows


# concurrent clients, each put durable when acknowledged


def clients_home(folder, data):
    """Clients of one event loop; those whose puts join one commit share its future."""
    with Home.open(folder / "home") as home:
        store = home.store
        shared = {}

        def durable(loop):
            done = store.settled()
            if shared.get("source") is not done:
                shared["source"], shared["future"] = done, asyncio.wrap_future(done, loop=loop)
            return shared["future"]

        async def client(mine):
            loop = asyncio.get_running_loop()
            for one in mine:
                store.put(one)
                await durable(loop)

        async def all_clients():
            await asyncio.gather(*(client(data[at::CLIENTS]) for at in range(CLIENTS)))

        return timed(lambda: asyncio.run(all_clients()))[0]


def clients_plain(folder, data):
    """One client after another: append and fdatasync, the textbook's durable put."""
    handle = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for one in data:
        os.write(handle, hashlib.sha256(one).digest() + one)
        os.fdatasync(handle)
    os.close(handle)


def concurrent(folder):
    pairs = []
    for number in range(ROUNDS):
        data = objects(CLIENTS * PUTS_EACH, 100 + number)
        few = data[: CLIENTS * 8]
        fresh(folder)
        ours = len(data) / clients_home(folder, data)
        plain = len(few) / timed(lambda few=few: clients_plain(folder, few))[0]
        pairs.append((ours, plain))
        with Home.open(folder / "home", writable=False) as home:
            assert all(home.store.get("sha256:" + hashlib.sha256(one).hexdigest()) == one for one in data)
        assert (folder / "plain").stat().st_size == sum(len(one) + 32 for one in few)
    ours, plain = sorted(pairs)[ROUNDS // 2]
    ratio, low, high = ratios(pairs)
    label = f"{CLIENTS} concurrent clients, each put durable"
    limit = f"the disk's sync latency; {low:.1f} to {high:.1f}"
    return [Row(label, ours, "fdatasync per put", plain, ratio, 20, "puts/s", limit)]


# verified gets


def get_git(folder, names):
    """One process for all, buffered; its pipe as large as the system lets it be, every object taken out as bytes."""
    request = folder / "request"
    request.write_bytes("\n".join(names).encode() + b"\n")
    command = [*GIT, "-C", str(folder / "git"), "cat-file", "--batch", "--buffer"]

    def read():
        total = 0
        with (
            request.open("rb") as asked,
            subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, bufsize=1 << 20) as git,
        ):
            fcntl.fcntl(git.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)
            line, take = git.stdout.readline, git.stdout.read
            while head := line():
                total += len(take(int(head[46:]) + 1)) - 1  # "<40 hex digits> blob <size>", the object, a line's end
        assert git.returncode == 0
        return total

    return timed(read)


def gets(folder):
    """Random order, page cache warm. Ours hashes every object, git does not; half of ours is sealed into a pack."""
    data = objects(COUNT, 200)
    fresh(folder)
    with Home.open(folder / "home") as home:
        for at, one in enumerate(data):
            home.store.put(one)
            if at == COUNT // 2:
                home.seal()
    put_git(folder, data)
    names = [("sha256:" + hashlib.sha256(one).hexdigest(), git_name(one)) for one in data]
    pairs = []
    with Home.open(folder / "home", writable=False) as home:
        get = home.store.get
        assert all(get(name) == one for (name, _), one in zip(names, data, strict=True))
        assert git_bytes(folder, data) == sum(map(len, data))
        for number in range(ROUNDS):
            random.Random(number).shuffle(names)
            ours, total = timed(lambda: sum(len(get(name)) for name, _ in names))
            git, read = get_git(folder, [name for _, name in names])
            assert total == read == sum(map(len, data))
            pairs.append((COUNT / ours, COUNT / git))
    ours, git = sorted(pairs)[ROUNDS // 2]
    ratio, low, high = ratios(pairs)
    limit = f"SHA-256 of 2 KB: 2 us; {low:.1f} to {high:.1f}"
    return [Row("verified get, 2 KB", ours, "git cat-file --batch --buffer", git, ratio, 2, "objects/s", limit)]


# one large object


def large(folder):
    size = 50 << 20
    pairs = []
    source = folder / "source"
    for number in range(ROUNDS):
        fresh(folder)
        source.write_bytes(random.Random(number).randbytes(size))

        def ours():
            with Home.open(folder / "home") as home, source.open("rb") as file:
                return timed(lambda: home.store.write(iter(lambda: file.read(1 << 20), b"")))

        def git():
            command = [*GIT, "-C", str(folder / "git"), "hash-object", "-w", str(source)]
            return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

        took, name = ours()
        other, sha1 = timed(git)
        data = source.read_bytes()
        assert name == "sha256:" + hashlib.sha256(data).hexdigest()
        assert sha1 == git_name(data)
        pairs.append((size / took / 1e6, size / other / 1e6))
    mine, theirs = sorted(pairs)[ROUNDS // 2]
    ratio, low, high = ratios(pairs)
    limit = f"SHA-256 and the page cache; {low:.1f} to {high:.1f}"
    return [Row("50 MB put, durable", mine, "git hash-object -w, compression 0", theirs, ratio, 5, "MB/s", limit)]


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "git")], check=True)


def run() -> list[Row]:
    """Measure everything in a scratch folder on the disk of the temporary files."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bench"
        return [*puts(folder), *concurrent(folder), *gets(folder), *large(folder)]
