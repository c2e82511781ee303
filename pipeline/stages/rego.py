"""rego/1: what a custom rule says of a picture. Knows who is asked and with what; must not know how Rego is run.

The engine is handed in (``io.ask``) and is a function of the request under its version, which the Run names. The
question holds no instant, so an answer stands as long as rule, release, environment and picture do. A rule without an
answer leaves no record: the gate that asks for it says unknown.
"""

from typing import Final

from cas.records.picture import Picture
from cas.records.rego import RegoAnswer, RegoInput, RegoRule
from cas.records.release import Environment, Release
from pipeline.engines import EngineAbsent, installed
from pipeline.stage import Stage, StageIO
from policy import rego as contract

ENGINE: Final = "regopy"
VERSION: Final = installed(ENGINE)


def rego(asked: RegoInput, io: StageIO) -> RegoAnswer:
    """Ask one rule.

    Raises: rego.no_answer, rego.answer_invalid, stage.engine_absent, what the engine raises
    """
    rule = io.load(asked.rule, RegoRule)
    seen = contract.document(
        io.load(asked.release, Release),
        io.load(asked.environment, Environment),
        io.load(asked.picture, Picture),
        rule.reads,
    )
    reply = io.ask(ENGINE, contract.request(io.read(rule.source), rule.asks, seen))
    found = contract.answer(reply, rule.asks, seen)
    if found.version != VERSION:
        raise EngineAbsent(engine=ENGINE, version=VERSION, found=found.version)
    return RegoAnswer(
        rule=asked.rule,
        release=asked.release,
        environment=asked.environment,
        picture=asked.picture,
        engine=ENGINE,
        engine_version=VERSION,
        status=found.status,
        deny=found.deny,
        warn=found.warn,
    )


REGO: Final = Stage("rego", 1, RegoInput, RegoAnswer, rego, engines=((ENGINE, VERSION),))
