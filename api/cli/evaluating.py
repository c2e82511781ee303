"""One call from CI: read the documents, ask, wait while nothing is decided, and write the answer where it is wanted."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from api.calls import evaluations as calls
from api.calls.evidence import Document
from api.calls.verdicts import VerdictView
from api.cli.output import Screen, ascii_json, working
from api.cli.words import read_file

FORMS: Final = ("json", "markdown", "junit", "sarif")
HELD: Final = 30  # seconds that a server is asked to hold one answer back
PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. ``seconds``: how long to wait for a decision."""

    release: str
    environment: str
    files: tuple[Path, ...] = ()
    declared: tuple[tuple[str, Path], ...] = ()  # formats with the files that are of them
    subject: str = ""
    create: str = ""
    image: str = ""
    component: str = ""
    platforms: str = ""
    seconds: int = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files in the order of their documents."""
        return (*self.files, *(path for _, path in self.declared))


def evaluated(out: Screen, asked: Asked) -> calls.Evaluation:
    """Ask; while the answer is "undecided" and time is left, ask again with what has come in since.

    A server holds its answer back itself; on a home in this process the door is closed between two questions, so that
    others may write what is missing.
    """
    plain = (Document(data=read_file(path)) for path in asked.files)
    documents = (*plain, *(Document(data=read_file(path), format=form) for form, path in asked.declared))
    end = time.monotonic() + asked.seconds
    found = _ask(out, asked, documents, end)
    receipts, created = found.receipts, found.created
    for at in found.elsewhere:
        out.say(
            f"{asked.paths[at]} names another image than this release's: it says nothing here; --subject may say so"
        )
    while found.verdict.outcome == "undecided" and (left := end - time.monotonic()) > 0:
        time.sleep(min(PAUSE, left))
        known = Asked(release=found.release, environment=asked.environment)
        found = _ask(out, known, (), end)
    return calls.Evaluation(
        release=found.release,
        created=created,
        receipts=receipts,
        log_size=found.log_size,
        verdict=found.verdict,
    )


def _ask(out: Screen, asked: Asked, documents: tuple[Document, ...], end: float) -> calls.Evaluation:
    request = calls.EvaluateEvidence(
        environment=asked.environment,
        documents=documents,
        release=asked.release,
        create=asked.create,
        image=_absolute(asked.image),
        component=asked.component,
        subject=asked.subject,
        platforms=asked.platforms,
        wait=max(0, min(HELD, int(end - time.monotonic()))),
    )
    with out.door() as door, working("judging"):
        return door.ask(calls.EVALUATE, request)


def _absolute(image: str) -> str:
    """Name a layout's folder so that whoever holds the home finds it too."""
    if not image.startswith("oci:"):
        return image
    folder, slash, last = image[4:].rpartition("/")
    head, colon, name = last.partition(":")
    return f"oci:{Path(folder + slash + head).absolute()}{colon}{name}"


def targets_of(write: list[str]) -> list[tuple[str, Path]]:
    """Read ``format=path`` words, before anything is asked."""
    found = []
    for word in write:
        form, equals, path = word.partition("=")
        if form not in FORMS or not equals or not path:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(FORMS)} =path", param_hint="--write")
        found.append((form, Path(path)))
    return found


def declared_in(words: list[str]) -> tuple[tuple[str, Path], ...]:
    """Read ``format=path`` words of documents whose format is declared."""
    found = []
    for word in words:
        form, equals, path = word.partition("=")
        if not form or not equals or not path:
            raise typer.BadParameter(f"{word!r} is not format=path", param_hint="--declared")
        found.append((form, Path(path)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Printer:
    """Renders a verdict; documents that were given as files are named as such."""

    view: VerdictView
    files: tuple[Path, ...] = ()

    def text(self, form: str) -> str:
        """Give the verdict in a form."""
        from api.reports.shown import Files
        from cas import digest

        if form == "json":
            import msgspec

            return ascii_json(msgspec.json.format(msgspec.json.encode(self.view), indent=2)) + "\n"
        if form == "junit":
            from api.reports.junit import junit

            return junit(self.view)
        held = {}
        for path in self.files:
            data = read_file(path)
            held[digest.of_bytes(data)] = (path.as_posix(), data)
        if form == "markdown":
            from api.reports.summary import summary

            return summary(self.view, Files(held))
        from importlib.metadata import version

        from api.reports.sarif import sarif

        return sarif(self.view, Files(held), version=version("stella-release"))

    def write(self, targets: list[tuple[str, Path]], summary: Path | None) -> None:
        """Write files; a summary is appended to."""
        for form, path in targets:
            _written(path, self.text(form))
        if summary is not None:
            _written(summary, self.text("markdown") + "\n", append=True)


def _written(path: Path, text: str, *, append: bool = False) -> None:
    try:
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
