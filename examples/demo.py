"""The golden path as a story, told by the commands a person would type. Offline; leaves everything in one folder.

Build → scan evidence → release → promotion → gate → deploy → evidence → replay, on real SBOMs, advisories and the KEV
catalogue (examples/evidence/PROVENANCE.tsv). The images are tiny stand-ins that any Docker engine can run; CI signs that the
real SBOMs belong to them, which is the one thing here that is made up.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from demo_acts import ACTS  # noqa: E402

STELLA = str(Path(sys.executable).parent / "stella")
BOLD, DIM, GREEN, RED, OFF = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 5


class Story:
    """Runs commands, shows them, and stops at the first that does not answer as told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.began = time.monotonic()
        self.chapter_number = 0
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("STELLA_")} | {
            "STELLA_HOME": str(self.home),
            "COLUMNS": "120",
        }

    def chapter(self, title: str) -> None:
        """Begin a part."""
        self.chapter_number += 1
        print(f"\n{BOLD}{self.chapter_number}. {title}{OFF}", flush=True)

    def say(self, text: str) -> None:
        """Tell something."""
        print(f"   {text}", flush=True)

    def key(self, who: str) -> Path:
        """Where somebody keeps their private key."""
        return self.folder / "keys" / f"{who}.pem"

    def stella(self, *words: object, who: str = "alice", expect: int = 0, show: bool = True, shown: int = 24) -> str:
        """Run a command as somebody; its exit code must be the one expected."""
        arguments = [str(word) for word in words]
        if show:
            print(f"   {DIM}{who}${OFF} stella {' '.join(self.pretty(word) for word in arguments)}", flush=True)
        done = subprocess.run(
            [STELLA, *arguments, "--key", str(self.key(who))] if self.key(who).exists() else [STELLA, *arguments],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if show or done.returncode != expect:
            lines = (done.stdout + done.stderr).rstrip().splitlines()
            for line in lines[:shown]:
                print(f"       {line}", flush=True)
            if len(lines) > shown:
                print(f"       {DIM}… {len(lines) - shown} more lines{OFF}", flush=True)
        if done.returncode != expect:
            print(f"{RED}   exit {done.returncode}, expected {expect}: the demo stops here ({self.folder}){OFF}")
            sys.exit(11)
        return done.stdout

    def ask(self, *words: object, who: str = "alice", expect: int = 0) -> dict:
        """Run a command for its JSON answer, quietly."""
        text = self.stella(*words, "--output", "json", who=who, expect=expect, show=False)
        return json.loads(text)

    def pretty(self, word: str) -> str:
        """Shorten what a reader need not see."""
        word = word.replace(str(self.folder) + "/", "").replace(str(HERE) + "/", "examples/")
        return f"'{word}'" if " " in word else word


def clean(story: Story) -> None:
    """Remove the containers that the story started; its folder stays, for looking around."""
    made = ["docker", "ps", "-aq", "--filter", "label=stella.release.id", "--filter", "name=shop_"]
    try:
        found = subprocess.run(made, capture_output=True, text=True, check=False, timeout=10).stdout.split()
        if found:
            subprocess.run(["docker", "rm", "-f", *found], capture_output=True, check=False, timeout=60)
            story.say(f"(removed the demo's {len(found)} containers; --keep leaves them)")
    except (OSError, subprocess.TimeoutExpired):
        return


def main() -> int:
    """Tell the story."""
    folder = Path(tempfile.mkdtemp(prefix="stella-demo-"))
    story = Story(folder)
    (folder / "keys").mkdir(mode=0o700)
    print(f"{BOLD}stella demo{OFF}: everything happens in {folder}, with the network untouched.")
    state: dict[str, object] = {"now": lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    for act in ACTS:
        act(story, state)
    took = time.monotonic() - story.began
    if "--keep" not in sys.argv:
        clean(story)
    print(f"\n{GREEN}{BOLD}Done in {took:.0f} s.{OFF} What to try next:")
    for line in (
        f"export PATH={Path(STELLA).parent}:$PATH STELLA_HOME={story.home} STELLA_KEY={story.key('alice')}",
        "stella status",
        f"stella explain {state['denied']}",
        "stella log show",
        "stella serve          # then: stella --server http://127.0.0.1:8080 status",
        "less docs/tutorial.md # the same by hand",
        f"rm -r {folder}        # when you have seen enough",
    ):
        print(f"   {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
