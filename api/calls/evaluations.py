"""One call from CI: documents in, all or none, and the verdict out (api/streams.py moves the body)."""

from typing import Annotated, Final

import msgspec

from api.calls.call import Answer, Ask, Call
from api.calls.evidence import MANY, Document, EvidenceReceipt
from api.calls.verdicts import VerdictView
from cas.digest import Digest
from cas.records.base import Slug

WAIT_MOST: Final = 600
MULTIPART: Final = "multipart/form-data"


class EvaluateEvidence(Ask, frozen=True, kw_only=True):
    """Admit documents, freeze a release of one image if that is asked, and judge it: one body in, one body out.

    Either ``release`` names one that is there, or ``create`` and ``image`` make one in this call. ``subject`` is the
    image that every document speaks of which says nothing else; without it, a document speaks of the images it names,
    else of the release's only one. ``wait``: so many seconds
    the answer may be held back while it is "undecided" and something may still come in.
    """

    environment: Slug
    documents: Annotated[tuple[Document, ...], msgspec.Meta(max_length=MANY)] = ()
    release: Annotated[str, msgspec.Meta(max_length=255)] = ""
    create: Annotated[str, msgspec.Meta(max_length=128)] = ""
    image: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    component: Annotated[str, msgspec.Meta(max_length=128)] = ""
    subject: Annotated[str, msgspec.Meta(max_length=71)] = ""
    platforms: Annotated[str, msgspec.Meta(max_length=512)] = ""  # separated by commas; empty: all the image offers
    wait: Annotated[int, msgspec.Meta(ge=0, le=WAIT_MOST)] = 0


class Evaluation(Answer, frozen=True, kw_only=True):
    """What became of the documents, and the verdict in full.

    ``elsewhere``: places of documents that speak of no image of this release, so that they say nothing here.
    """

    release: Digest
    created: bool  # the release was frozen by this call
    receipts: tuple[EvidenceReceipt, ...]
    log_size: int
    verdict: VerdictView
    elsewhere: tuple[int, ...] = ()


EVALUATE: Final = Call(
    "evaluation.create",
    "POST",
    "/gate/evaluations",
    EvaluateEvidence,
    Evaluation,
    "gate:run",
    "Admit documents, all or none, and judge a release with them: one request, one answer.",
)

CALLS = (EVALUATE,)
