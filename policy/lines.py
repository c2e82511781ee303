"""Where a finding points: the line of the SBOM or report, and that of the feed. Must not know who shows them."""

from cas.digest import Digest
from cas.records.picture import AnyFinding, AnyPicture, Picture
from cas.records.verdict import AssessedFinding, EvidenceRef


def sbom_of(one: AnyFinding, picture: AnyPicture) -> Digest:
    """Give the raw document that names the package of a finding of this picture.

    Raises: cas.record_invalid when the picture holds no such document
    """
    return one.sbom if isinstance(one, AssessedFinding) else _document(picture, one.sbom)


def lines_of(one: AnyFinding, picture: AnyPicture) -> tuple[EvidenceRef, EvidenceRef]:
    """Give the line that names the package, and the line that speaks of the vulnerability.

    Raises: cas.record_invalid when the picture holds no such document
    """
    package = one.feed_package if isinstance(one, AssessedFinding) else _document(picture, one.feed_package)
    return (
        EvidenceRef(digest=sbom_of(one, picture), pointer=one.sbom_pointer),
        EvidenceRef(digest=package, pointer=one.feed_pointer),
    )


def _document(picture: AnyPicture, place: int) -> Digest:
    if not isinstance(picture, Picture):
        raise TypeError("a finding of another picture")
    return picture.document(place)
