"""A process that deploys from a home on disk and kills itself at a named step: python -m tests.support.dying_deploy."""

import os
import signal
import sys
from pathlib import Path

from cas.adapters.home import Home
from pipeline.adapters.keys import load_signer
from pipeline.operations.deploy import deploy
from targets.compose_host.adapter import ComposeHostAdapter
from targets.docker_host.adapter import DockerHostAdapter
from tests.support.world import ALICE, CountingEntropy, World

KINDS = {"docker_host": DockerHostAdapter, "compose_host": ComposeHostAdapter}


class Dying:
    """An adapter whose process is gone before or after a step; after: done, but with no receipt in the log."""

    def __init__(self, inner, host, step, when):
        self.inner, self.host, self.step, self.when = inner, host, step, when

    def observe(self, *given):
        return self.inner.observe(*given)

    def apply(self, target, project, plan, step, world):
        mine = target.name == self.host and step.id.startswith(self.step)
        if mine and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        receipt = self.inner.apply(target, project, plan, step, world)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return receipt

    def undo(self, *given):
        return self.inner.undo(*given)

    def finish(self, target, project, files, world):
        mine = target.name == self.host and self.step == "finish"
        for at, done in enumerate(self.inner.finish(target, project, files, world)):
            if mine and at == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            yield done


def main():
    """Arguments: home, keys, promotion, host, step, before|after."""
    home, keys, promotion, host, step, when = sys.argv[1:]
    with Home.open(Path(home)) as opened:
        world = World(store=opened.store, log=opened.log, entropy=CountingEntropy(1000))
        effects = world.effects(
            server=load_signer(Path(keys) / "server", purposes=("server",), ref="server"),
            sticker=load_signer(Path(keys) / "sticker", purposes=("server",), ref="sticker"),
            adapter=lambda target: Dying(KINDS[target.type](), host, step, when),
        )
        deploy(effects, ALICE, promotion)


if __name__ == "__main__":
    main()
