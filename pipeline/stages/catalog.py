"""Every published stage, retired versions included, in the order of the flow. A newcomer adds a line."""

from pipeline.stage import AnyStage
from pipeline.stages.assess import ASSESS
from pipeline.stages.assess2 import ASSESS2
from pipeline.stages.compose import COMPOSE
from pipeline.stages.decide import DECIDE
from pipeline.stages.decide2 import DECIDE2
from pipeline.stages.drift import DRIFT
from pipeline.stages.gather import GATHER
from pipeline.stages.import_feed import IMPORT_FEED
from pipeline.stages.import_feed2 import IMPORT_FEED2
from pipeline.stages.judge import JUDGE
from pipeline.stages.judge2 import JUDGE2
from pipeline.stages.manifest import MANIFEST
from pipeline.stages.match import MATCH
from pipeline.stages.match2 import MATCH2
from pipeline.stages.normalise import NORMALISE
from pipeline.stages.normalise2 import NORMALISE2
from pipeline.stages.pack import PACK
from pipeline.stages.plan import PLAN
from pipeline.stages.read_feed import READ_FEED
from pipeline.stages.read_template import READ_TEMPLATE
from pipeline.stages.rego import REGO
from pipeline.stages.render import RENDER
from pipeline.stages.seal import SEAL
from pipeline.stages.sticker import STICKER
from pipeline.stages.verify import VERIFY
from pipeline.stages.verify_sigstore import VERIFY_SIGSTORE

STAGES: tuple[AnyStage, ...] = (
    NORMALISE,
    NORMALISE2,
    VERIFY,
    READ_FEED,
    VERIFY_SIGSTORE,
    IMPORT_FEED,
    IMPORT_FEED2,
    COMPOSE,
    READ_TEMPLATE,
    GATHER,
    MATCH,
    MATCH2,
    ASSESS,
    ASSESS2,
    REGO,
    JUDGE,
    JUDGE2,
    DECIDE,
    DECIDE2,
    RENDER,
    PLAN,
    STICKER,
    MANIFEST,
    SEAL,
    PACK,
    DRIFT,
)
