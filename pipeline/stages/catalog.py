"""Every published stage, retired versions included, in the order of the flow. A newcomer adds a line."""

from pipeline.stage import AnyStage

STAGES: tuple[AnyStage, ...] = ()
