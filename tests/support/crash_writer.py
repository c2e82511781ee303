"""Writers to be killed: a process that forks one writer per line it reads, and says when that one is dead.

A writer commits as fast as it can, seals now and then, writes large objects, and prints each acknowledgement.
"""

import os
import sys
import threading
from pathlib import Path

from cas.adapters.home import Home
from tests.support.homes import entry, move


def write(path, round_number):
    say = threading.Lock()
    home = Home.open(path, seal_at=6_000)

    def tell(line):
        with say:
            os.write(1, line.encode() + b"\n")

    def commit(thread):
        name = f"head/{thread}"
        for at in range(100_000):
            size = (at * 131 + thread * 977) % 2600
            if at % 40 == 17:
                size = (1 << 20) + at
            record = home.store.put(f"{round_number} {thread} {at} ".encode() + b"." * size)
            done = home.log.append([entry(record, move(name, home.log.ref(name), record))]).result()
            tell(f"ack {done.first} {record}")

    threads = [threading.Thread(target=commit, args=(thread,)) for thread in range(3)]
    for thread in threads:
        thread.start()
    while True:
        home.seal()


def main():
    path = Path(sys.argv[1])
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                os.write(1, f"pid {os.getpid()}\n".encode())
                write(path, int(line))
            finally:
                os._exit(1)
        os.waitpid(pid, 0)
        os.write(1, b"\ndead\n")


if __name__ == "__main__":
    main()
