"""read_feed/1: files of a database in its own form as OSV documents, one per vulnerability. Must not know snapshots."""

from cas import jcs
from cas.records.feed import FeedRaws, ReadFeedInput
from pipeline.formats.natives import NATIVE
from pipeline.formats.problems import DocumentUnreadable
from pipeline.stage import Stage, StageIO


def read_feed(asked: ReadFeedInput, io: StageIO) -> FeedRaws:
    """Keep what the files say as OSV documents in canonical form, and name them.

    Raises: evidence.unreadable, cas.too_large
    """
    documents = NATIVE.get(asked.form)
    if documents is None:
        raise DocumentUnreadable(format=asked.form, reason="no such form of advisories")
    kept = {io.keep(jcs.of_value(each)) for each in documents(io.read(raw) for raw in asked.raws)}
    return FeedRaws(documents=tuple(sorted(kept)))


READ_FEED = Stage("read_feed", 1, ReadFeedInput, FeedRaws, read_feed)
