"""The launcher: standard library only, so that whatever breaks ends in exit code 11 with one clear line.

Must not import anything else at its top: an import that fails is a crash like any other.
"""

import os
import sys

CRASH = 11
INTERRUPTED = 130


def run() -> None:
    """Run a command and leave with its exit code; never 0 or 1 from a crash."""
    code = _guarded(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or CRASH
        _hush()
    sys.exit(code)


def _guarded(arguments: list[str]) -> int:
    try:
        from api.cli.program import main

        return main(arguments)
    except KeyboardInterrupt:
        print("stella: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _hush()
        return CRASH
    except SystemExit as leaving:
        if _completing(arguments):  # Typer's shell completion ends so
            return 0 if leaving.code in {None, 0} else 2
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":  # click met a broken pipe: whoever read us has left
            _hush()
            return CRASH
        return _crash(f"left with {leaving.code!r}")
    except BaseException as error:  # noqa: BLE001 - this is the last line of defence
        if os.environ.get("STELLA_TRACEBACK"):
            import traceback

            traceback.print_exc()
        return _crash(f"{type(error).__name__}: {error}")


def _completing(arguments: list[str]) -> bool:
    """Tell whether a shell asks what may come next, or for its completion script."""
    return "_STELLA_COMPLETE" in os.environ or arguments[:1] in (["--show-completion"], ["--install-completion"])


def _crash(what: str) -> int:
    line = "".join(c if c.isprintable() else "?" for c in what)[:500]
    print(f"stella: crashed: {line}; nothing was decided (STELLA_TRACEBACK=1 shows where)", file=sys.stderr)
    return CRASH


def _hush() -> None:
    """Point the standard streams away from a reader that is gone, so that leaving does not fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


if __name__ == "__main__":
    run()
