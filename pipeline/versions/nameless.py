"""Package URLs that name no package: read leniently by ``purl``, though purl-spec demands a name. Frozen with it.

``pkg:maven/@1.3.4`` is a version without a name, ``pkg:npm/@scope`` a scope without one; the reader takes both for
names. No ecosystem has names that begin with @ and hold no slash: npm's scope is a namespace, and a tool that writes it
into the name writes ``%40scope%2Fname``.
"""

from urllib.parse import unquote


def nameless(text: str) -> bool:
    """Tell whether a canonical purl names no package: its name is blank, or begins with @ and holds no slash."""
    if "/%" not in text:  # canonical: an @ within a name is written %40, a blank %20
        return False
    path = text.partition("#")[0].partition("?")[0]
    name = unquote(path.rpartition("/")[2].partition("@")[0])
    return not name.strip(" /") or (name.startswith("@") and "/" not in name)
