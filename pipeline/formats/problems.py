"""Problems of evidence, and the codes of faults inside documents. Knows words only."""

from typing import Final

from cas.problems import Category, Problem

FAULTS: Final[tuple[tuple[str, str], ...]] = (
    (
        "evidence.not_json",
        "The bytes are not acceptable JSON (syntax, duplicate keys, NaN, unsafe integers), or there are none.",
    ),
    ("evidence.not_xml", "The bytes are not acceptable XML (syntax, document types, entities)."),
    ("evidence.too_large", "Size, depth or number of values is beyond the bound."),
    (
        "evidence.format_unknown",
        "No known format recognises the document; one that says nothing (`[]`) is taken when its format is declared.",
    ),
    ("evidence.holds_nothing", "The document is of a known format, and empty of anything that counts."),
    ("evidence.format_mismatch", "The document is not of the format that was declared."),
    ("evidence.version_unsupported", "The format is known, this version of it is not."),
    (
        "evidence.csaf",
        "The document breaks a mandatory test of CSAF; the rest of the code is its clause in the standard.",
    ),
    ("evidence.reachability", "A reachability graph or observation contradicts itself; the rest of the code says how."),
    ("evidence.schema", "The document breaks its format's schema; the part behind the second dot is the keyword."),
    ("evidence.payload_invalid", "The envelope's payload is not standard base64 of a known document."),
    ("evidence.bundle_invalid", "The Sigstore bundle or cosign signature is not whole."),
    ("evidence.subject_missing", "Neither the submitter nor the document names an image digest."),
    ("evidence.subject_foreign", "The signature is over another digest than the one it is submitted for."),
    ("evidence.subject_invalid", "The subject given is not a digest."),
    ("evidence.subjects_too_many", "The document names more subjects than one submission may speak of."),
    ("evidence.is_advisory", "An advisory belongs into a feed, not to an image."),
    ("evidence.reference_broken", "An index or id in the document leads nowhere."),
    ("evidence.reference_loop", "Something in the document rests on itself."),
    ("evidence.kind_unknown", "No kind of this name is registered here."),
    ("evidence.kind_schema", "The schema is none by which documents can be judged in bounded time."),
    ("evidence.not_object", "A document of the user's own kind is a JSON object."),
    ("evidence.archive_unsafe", "The archive holds links, climbing names, or more than the bounds allow."),
    ("evidence.unreadable", "A value has a type or length that the facts cannot hold."),
)
"""Fault codes with their sentence, for the reference and the doors."""


class EvidenceRefused(Problem):
    """At least one document of a submission is bad; nothing was stored.

    ``faults`` lists every fault of every document; the first step of each pointer is the document's place in the call.
    """

    code = "evidence.refused"
    category = Category.INVALID
    title = "The evidence was refused, and nothing was stored"
    remedy = "Correct every fault listed, then submit again."


class EvidenceEmpty(Problem):
    """A submission without documents."""

    code = "evidence.empty"
    category = Category.INVALID
    title = "No document was submitted"
    remedy = "Name at least one document."


class EvidenceTooMany(Problem):
    """More documents in one call than one append may hold."""

    code = "evidence.too_many"
    category = Category.TOO_LARGE
    title = "Too many documents in one submission"
    remedy = "Split the submission."


class EvidenceContended(Problem):
    """Other writers moved the same heads again and again."""

    code = "evidence.contended"
    category = Category.UNAVAILABLE
    title = "Others are submitting evidence for the same subject"
    remedy = "Submit again."


class DocumentUnreadable(Problem):
    """normalise/1 cannot read the raw bytes as the format named."""

    code = "evidence.unreadable"
    category = Category.INVALID
    title = "The document cannot be read as this format"
    remedy = "Check the format; submit the document as its tool wrote it."


class KindRefused(Problem):
    """A schema given for a kind of evidence is not taken."""

    code = "evidence.kind_refused"
    category = Category.INVALID
    title = "The schema was refused, and the kind stays as it is"
    remedy = "Correct every fault listed: the schema stands alone, is not recursive, and is valid JSON Schema."


class FeedRefused(Problem):
    """A document given for a feed cannot be read; the current snapshot stays as it is."""

    code = "feed.refused"
    category = Category.INVALID
    title = "The feed was refused, and the current snapshot stays"
    remedy = "Correct or leave out the files listed, then import again."


class FeedArchiveUnsafe(Problem):
    """An archive or directory holds links, absolute or climbing names, or more than the bounds allow."""

    code = "feed.archive_unsafe"
    category = Category.INVALID
    title = "The archive is not safe to read"
    remedy = "Give a plain archive of files below the bounds, without links and absolute names."
