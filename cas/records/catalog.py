"""Every record kind; nothing else may be stored as a record. A newcomer adds a line."""

from cas.records import (
    access,
    attest,
    delta,
    deploy,
    evidence,
    feed,
    picture,
    policy,
    policy_life,
    promotion,
    proof,
    rego,
    release,
    release_life,
    report,
    verdict,
    vex_provider,
)
from cas.records.base import Record

KINDS: tuple[type[Record], ...] = tuple(
    sorted(
        (
            thing
            for module in (
                access,
                attest,
                delta,
                deploy,
                evidence,
                feed,
                picture,
                policy,
                policy_life,
                promotion,
                proof,
                rego,
                release,
                release_life,
                report,
                verdict,
                vex_provider,
            )
            for thing in vars(module).values()
            if isinstance(thing, type) and issubclass(thing, Record) and thing.__module__ == module.__name__
        ),
        key=lambda kind: str(kind.__struct_config__.tag),
    )
)
