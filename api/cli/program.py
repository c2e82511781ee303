"""The command line: global options anywhere, lazy sub-commands, one place where Problems become exit codes."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from api import exit_codes
from api.cli.catalog import COMMANDS
from api.cli.output import Format, Screen, complain
from api.cli.plain import plainly
from cas.problems import Problem

if TYPE_CHECKING:
    from api.settings import Settings

_GLOBAL: Final = {"--home": 1, "--server": 1, "--profile": 1, "--key": 1, "--output": 1, "-o": 1}


class LazyGroup(TyperGroup):
    """Sub-commands by name; the module of one is imported when it is asked for, and for its own help only."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer\'s
        """Give the names in the catalog's order."""
        return [name for name, _, _ in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is Typer\'s
        """Import a command's module."""
        for name, _, module in COMMANDS:
            if name == cmd_name:
                return command_of(module, name)
        return None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is Typer\'s
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, text, _ in COMMANDS])


def command_of(module: str, name: str) -> Any:
    """Give the command of a module: its group, or its only function by that name."""
    command = typer.main.get_command(import_module(module).APP)
    inner = getattr(plainly(command), "commands", {})
    if name in inner:
        return inner[name]
    command.name = name
    return command


ROOT = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@ROOT.callback(invoke_without_command=True)
def stella(
    context: typer.Context,
    home: str = typer.Option("", help="The home's folder (STELLA_HOME)."),
    server: str = typer.Option("", help="A server to ask instead, https://host:port (STELLA_SERVER)."),
    profile: str = typer.Option("", help="A profile of ~/.stella/profiles (STELLA_PROFILE)."),
    key: str = typer.Option("", help="Your private key file: who you are (STELLA_KEY)."),
    output: Format = typer.Option(Format.TABLE, "--output", "-o", help="How to print answers."),
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Evidence in, a verdict out, and anyone can run it again."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"stella {installed('stella-release')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    context.obj = Screen(output, lambda: _settings(profile, home, server, key))


def _settings(profile: str, home: str, server: str, key: str) -> "Settings":
    from api.settings import read_settings

    return read_settings(profile=profile, home=home, server=server, key=key)


def main(arguments: list[str]) -> int:
    """Run a command and give its exit code."""
    ordered = globals_first(arguments)
    gate = is_gate(ordered)
    command = plainly(typer.main.get_command(ROOT))
    try:
        left = command.main(args=ordered, prog_name="stella", standalone_mode=False)
    except typer.Abort:
        complain("given up")
        return exit_codes.UNDECIDED if gate else exit_codes.INPUT
    except TyperException as error:
        _complain_of_usage(error)
        return exit_codes.USAGE if gate else exit_codes.INPUT
    except Problem as problem:
        complain_of(problem)
        code = exit_codes.of_category(problem.category, gate=gate, code=problem.code)
        if gate and code == exit_codes.UNDECIDED:
            complain("undecided verdict=none")
        return code
    return left if isinstance(left, int) else exit_codes.OK


def complain_of(problem: Problem) -> None:
    """Say what happened, every fault, and what to do next."""
    complain(f"{problem.detail()} [{problem.code}]")
    for fault in problem.fields.get("faults", ()):
        complain(f"  {fault.pointer or '/'}: {fault.message} [{fault.code}]", bare=True)
    complain(f"  {problem.remedy}", bare=True)


def _complain_of_usage(error: TyperException) -> None:
    """Say what is wrong with the command line; a group without a command shows its help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return
    path = context.command_path if context is not None else "stella"
    complain(error.format_message(), hint=f"{path} --help shows how.")


def globals_first(arguments: list[str]) -> list[str]:
    """Move the global options to the front, so that they may stand anywhere; nothing after ``--`` is touched."""
    front: list[str] = []
    rest: list[str] = []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += arguments[at:]
            break
        if name in _GLOBAL and (equals or at + 1 < len(arguments)):
            step = 1 if equals else 2
            front += arguments[at : at + step]
            at += step
        else:
            rest.append(word)
            at += 1
    return front + rest


def is_gate(ordered: list[str]) -> bool:
    """Tell whether these arguments ask a gate command: its exit codes mean something else."""
    words: list[str] = []
    at = 0
    while at < len(ordered) and len(words) < 2:
        if ordered[at] in _GLOBAL:
            at += 1
        elif not ordered[at].startswith("-"):
            words.append(ordered[at])
        at += 1
    return any(words == command.split() or words[:1] == command.split() for command in exit_codes.GATE_COMMANDS)


def all_commands() -> list[tuple[str, Any]]:
    """Give every command with its click object, for documentation and tests."""
    found: list[tuple[str, Any]] = []
    for name, _, module in COMMANDS:
        command = command_of(module, name)
        found.append((name, command))
        found += _below(name, command)
    return found


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    for word in sorted(inner):
        yield f"{name} {word}", inner[word]
        yield from _below(f"{name} {word}", inner[word])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
