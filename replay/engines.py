"""The engines that reruns may ask. Knows which adapter runs which; must not know stages."""

from typing import Final

from pipeline.adapters.rego_child import RegoChild
from pipeline.engines import Engines

ENGINES: Final[Engines] = {"regopy": RegoChild()}
