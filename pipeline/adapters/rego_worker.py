"""The process in which a rule is evaluated: a request on standard input, an answer on standard output, then it ends.

Run as a file by ``pipeline.adapters.rego_child``, isolated, in an empty folder of its own; it imports nothing of ours.

(1) It gives up what it can: the network where the kernel lets it, new privileges, processes, time, file sizes; it dies
with its parent. (2) The module is compiled, and the builtins that the compiled plan calls must be allowed: what a check
of the text may have overlooked is refused here. (3) No file or socket can be opened any more. (4) Input, then queries.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

MAX_PLAN: Final = 64 << 20
MAX_DIGITS: Final = 17
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def give_up(cpu_seconds: int) -> None:
    """Do (1); what the kernel does not let us give up is not needed for the rest to hold."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0:
        libc.unshare(CLONE_NEWNET)
    limits = (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MAX_PLAN),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 64),
    )
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return


def lock() -> None:
    """Do (3): descriptors end where the open ones do, and files have no room."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class Evaluation:
    """One module in one interpreter."""

    def __init__(self) -> None:
        import regopy  # noqa: PLC0415 - after (1)
        from regopy import rego_shared  # noqa: PLC0415

        self.version: str = regopy.__version__
        self._shared = rego_shared
        self._kind = regopy.NodeKind
        self._engine = regopy.Interpreter()
        self._engine.strict_built_in_errors = True
        self._bundle: Any = None

    def compile(self, source: str, entries: list[str], allowed: frozenset[str]) -> list[str]:
        """Do (2); gives the builtins that are called and not allowed.

        Raises: engine errors
        """
        self._engine.add_module("rule", source)
        self._bundle = self._engine.build(None, [f"stella/{entry}" for entry in entries])
        self._engine.save_bundle("plan", self._bundle)
        plan = msgspec.json.decode(Path("plan/plan.json").read_bytes())
        called = {str(each["name"]) for each in plan["static"].get("builtin_funcs", [])}
        return sorted(called - allowed)

    def ask(self, seen: Any, entries: list[str]) -> list[tuple[str, Any]]:
        """Do (4); gives a value for each entry, None where the engine has none.

        Values are read node by node: the engine's own JSON text does not escape what it should.

        Raises: engine errors
        """
        self._engine.set_input(seen)
        return [(entry, self._value(f"stella/{entry}")) for entry in entries]

    def _value(self, entry: str) -> Any:
        shared = self._shared
        output = shared.rego_bundle_query_entrypoint(self._engine._impl, self._bundle._impl, entry)  # noqa: SLF001
        if not shared.rego_output_ok(output) or shared.rego_output_string(output) == "undefined":
            return None
        found = shared.rego_output_expressions_at_index(output, 0)
        return self._plain(shared.rego_node_get(found, 0)) if shared.rego_node_size(found) == 1 else None

    def _plain(self, node: Any) -> Any:
        """Turn a node into a value; what is no text, boolean, small whole number, list or object is marked.

        Input and literals hold neither double quotes nor backslashes, so those in a text are the engine's own and go.
        """
        shared, kind = self._shared, self._shared.rego_node_type(node)
        children = [shared.rego_node_get(node, at) for at in range(shared.rego_node_size(node))]
        if kind in {self._kind.Term, self._kind.Scalar}:
            return self._plain(children[0])
        if kind in {self._kind.Array, self._kind.Set}:
            return [self._plain(child) for child in children]
        if kind == self._kind.Object:
            items = ((shared.rego_node_get(child, 0), shared.rego_node_get(child, 1)) for child in children)
            return {str(self._plain(key)): self._plain(value) for key, value in items}
        return self._scalar(kind, shared.rego_node_value(node))

    def _scalar(self, kind: Any, text: str) -> Any:
        if kind == self._kind.String:
            return text.replace('"', "").replace("\\", "")
        if kind == self._kind.Boolean:
            return text == "true"
        if kind == self._kind.Int and len(text) <= MAX_DIGITS:
            return int(text)
        return {"neither": text[:100]}


def work(request: dict[str, Any]) -> dict[str, Any]:
    """Serve one request."""
    give_up(request["cpu_seconds"])
    rule = Evaluation()
    said: dict[str, Any] = {"version": rule.version, "fault": "", "answers": []}
    try:
        refused = rule.compile(request["source"], request["entries"], frozenset(request["allowed"]))
    except Exception as error:  # noqa: BLE001 - whatever a foreign compiler raises
        return said | {"fault": "compile", "reason": str(error)[:4000]}
    if refused:
        return said | {"fault": "refused", "reason": "calls " + ", ".join(refused)}
    lock()
    if "input" in request:
        try:
            said["answers"] = rule.ask(request["input"], request["entries"])
        except Exception as error:  # noqa: BLE001
            return said | {"fault": "evaluate", "reason": str(error)[:4000]}
    return said


def main() -> None:
    """Serve standard input; whatever the engine prints goes nowhere."""
    request = msgspec.json.decode(sys.stdin.buffer.read())
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    data = msgspec.json.encode(work(request))
    while data:
        data = data[os.write(answer, data) :]
    os._exit(0)  # nothing of the engine's is taken down: that is where it might crash


if __name__ == "__main__":
    main()
