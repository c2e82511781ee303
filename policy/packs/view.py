"""What judging needs of a policy pack, whichever kind it is of: the pure view of its readers."""

from cas import canon
from cas.digest import Digest
from cas.records.policy import PolicyPack


def pack_of(data: bytes) -> PolicyPack:
    """Read a pack's canonical bytes.

    Raises: cas.record_invalid
    """
    return canon.to_record(data, PolicyPack)


def trust_table_of(data: bytes) -> Digest | None:
    """Give the VEX trust table that a pack names.

    Raises: cas.record_invalid
    """
    return pack_of(data).trust_table
