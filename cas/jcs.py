"""Foreign JSON in its canonical form (RFC 8785, JCS). Knows bytes and values; must not know records.

``canonical``, ``parse`` and ``of_value`` use msgspec's sorted encoder behind guards that name what it would get wrong,
and the ``rfc8785`` library for what the guards stop. Size, depth and count are bounded before any decoder runs.
"""

import contextlib
import functools
import gc
import json  # noqa: TID251 - the one place: the exact path, with every hook set
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

import msgspec
import rfc8785

from cas.problems import CanonInvalid, TooLarge

MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 128  # the decoders recurse on the interpreter's stack: well below its limit
MAX_NODES: Final = 4_000_000
_LARGE: Final = 1 << 16
_PIECE: Final = 1 << 20  # bytes decoded at once: smaller trees stay nearer to the cache, more pieces cost more passes
_LEVELS: Final = 4  # so deep are large values taken apart; each level reads its bytes once more
_SMALL: Final = 1 << 10  # an object whose members are smaller is not worth taking apart
SAFE: Final = 2**53 - 1
_EXPONENT: Final = 1e21  # from here on ECMAScript writes doubles with an exponent

_ENCODER = msgspec.json.Encoder(order="sorted")

_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_NO_COMMA: Final = bytes(byte for byte in range(256) if byte not in b',"')
_NUMBERS: Final = bytes.maketrans(b"123456789,[-", b"000000000:::")
_LONG_NUMBER: Final = b":" + b"0" * 16
_ASTRAL: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")  # UTF-8 of what UTF-16 writes as surrogates
_ABOVE: Final = (b"\xee", b"\xef")  # UTF-8 of U+E000..U+FFFF, which UTF-16 sorts after the surrogates


def canonical(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> bytes:
    """Turn foreign JSON into its RFC 8785 form.

    Refused, never repaired: duplicate keys, lone surrogates, NaN and infinities, byte order marks, encodings other
    than UTF-8, integers beyond 2^53-1, and numbers of another spelling (1e20, 9007199254740993.0) whose canonical form
    is such an integer. From 10^21 on the canonical form has an exponent and comes back as itself: RFC 8785's own test
    data holds 1E30, so 1E30 is accepted, though not when it is spelled as an integer of 31 digits.

    Raises: cas.canon_invalid, cas.too_large
    """
    quotes = bound(data, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)
    try:
        with _uncollected(len(data)):
            out = _by_pieces(memoryview(data), _LEVELS)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        out = b""
    return out if _holds(out, quotes) else _exact_bytes(_exact(data))


def parse(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> Any:
    """Decode foreign JSON strictly, refusing what ``canonical`` refuses.

    Gives None, bool, int, float, str, list and dict; ``of_value`` of it equals ``canonical`` of the bytes.

    Raises: cas.canon_invalid, cas.too_large
    """
    quotes = bound(data, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)
    try:
        with _uncollected(len(data)):
            value = _VALUE_DECODER.decode(data)
        out = _ENCODER.encode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        out = b""
    return value if _holds(out, quotes) else _exact(data)


def of_value(value: Any) -> bytes:
    """Encode plain values (None, bool, int, float, str, list, tuple, dict with string keys) by RFC 8785.

    Raises: cas.canon_invalid for any other type or number, cas.too_large for depth
    """
    floats = _check_value(value)
    if floats:
        return _exact_bytes(value)
    try:
        out = _ENCODER.encode(value)
    except RecursionError as error:
        raise TooLarge(what="depth") from error
    except UnicodeEncodeError as error:
        raise CanonInvalid(reason="lone_surrogate") from error
    return _exact_bytes(value) if _misorders(out) else out


def bound(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> int:
    """Hold foreign JSON to size, depth and count of values without decoding it.

    Gives how many quotes its canonical form has if no key comes twice. Exact up to the first syntax error, which is
    where every decoder stops.

    Raises: cas.too_large
    """
    if len(data) > max_bytes:
        raise TooLarge(what="bytes", limit=max_bytes, found=len(data))
    plain, escaped = _without_escapes(data)
    frame = plain.translate(_BRACKETS, _NO_BRACKET)
    quotes = frame.count(b'"')
    # two neighbouring quotes may go: whether a bracket stands in a string hangs on the parity of quotes before it
    frame = frame.replace(b'""', b"")
    if b'"' in frame:
        frame = b"".join(frame.split(b'"')[::2])
    if len(data) > 2 * max_nodes:  # no value is shorter than one byte and a comma
        _bound_nodes(plain, frame.count(b"["), max_nodes)
    _bound_depth(frame, max_depth)
    return quotes + escaped


def _bound_nodes(plain: bytes, brackets: int, max_nodes: int) -> None:
    """Count values: each is the first, or follows a bracket or a comma."""
    if brackets + plain.count(b",") < max_nodes:
        return
    commas = plain.translate(None, _NO_COMMA).replace(b'""', b"")  # as in ``bound``
    found = b"".join(commas.split(b'"')[::2]).count(b",") + brackets + 1
    if found > max_nodes:
        raise TooLarge(what="nodes", limit=max_nodes, found=found)


def _without_escapes(data: bytes) -> tuple[bytes, int]:
    r"""Take out each ``\x`` pair that can hide a quote; tell how many quotes are escaped, as ``\"`` or ``\u0022``."""
    parts: list[bytes] = []
    kinds = bytearray()
    many = len(data) >> 5
    last = len(data) - 1
    at = 0
    found = data.find(b"\\")
    while 0 <= found < last:
        if len(parts) > many:  # a scan in C over everything is the faster one now
            single = data.replace(b"\\\\", b"")
            plain = single.replace(b'\\"', b"")
            return plain, (len(single) - len(plain)) // 2 + single.count(b"\\u0022")
        parts.append(data[at:found])
        kinds.append(data[found + 1])
        at = found + 2
        found = data.find(b"\\", at)
    if not parts:
        return data, 0
    spelled = data.replace(b"\\\\", b"").count(b"\\u0022") if b"u" in kinds else 0
    return b"".join((*parts, data[at:])), kinds.count(b'"') + spelled


def _bound_depth(frame: bytes, max_depth: int) -> None:
    """Peel the innermost brackets off, one level a pass."""
    depth = 0
    while frame:
        peeled = frame.replace(b"[]", b"")
        if len(peeled) == len(frame):  # what is left never closes: not JSON, but a decoder would still descend
            depth += frame.count(b"[")
            break
        frame = peeled
        depth += 1
        if depth > max_depth:
            break
    if depth > max_depth:
        raise TooLarge(what="depth", limit=max_depth)


def _by_pieces(data: memoryview, levels: int) -> bytes:
    """Encode sorted, large arrays and objects piece by piece: a tree that fits the cache is made and unmade faster."""
    first = bytes(data[:1])
    if len(data) <= _PIECE or not levels or first not in {b"[", b"{"}:
        return _ENCODER.encode(_CANONICAL_DECODER.decode(data))
    if first == b"{":
        members = _MEMBERS.decode(data)
        if len(members) * _SMALL > len(data):
            return _ENCODER.encode(_CANONICAL_DECODER.decode(data))
        encoded = [
            _ENCODER.encode(name) + b":" + _by_pieces(memoryview(members[name]), levels - 1) for name in sorted(members)
        ]
        return b"{" + b",".join(encoded) + b"}"
    items = _ITEMS.decode(data)
    step = max(1, _PIECE * len(items) // len(data))
    if step == 1:
        encoded = [_by_pieces(memoryview(item), levels - 1) for item in items]
    else:
        joined = (b",".join(items[at : at + step]) for at in range(0, len(items), step))
        encoded = [_ENCODER.encode(_CANONICAL_DECODER.decode(b"[" + piece + b"]"))[1:-1] for piece in joined]
    return b"[" + b",".join(encoded) + b"]"


def _holds(out: bytes, quotes: int) -> bool:
    """Tell whether msgspec's encoding is the canonical one; when not, only the exact path can tell.

    (1) UTF-8 and UTF-16 order of keys do not differ. (2) No integer may be beyond 2^53-1. (3) No key came twice: a
    string that goes in comes out with as many quotes as it had, escaped ones included, however they were spelled; so
    a dropped member shows as two quotes or more that are missing, and nothing can make up for them.
    """
    if out[:1] not in {b"{", b"["} or _misorders(out):
        return False
    return _LONG_NUMBER not in out.translate(_NUMBERS) and out.count(b'"') == quotes


@contextlib.contextmanager
def _uncollected(size: int) -> Iterator[None]:
    """Keep the collector from walking a large tree again and again while it grows: a third of the time.

    Threads may overlap here: whoever found it running starts it again, so it never stays off.
    """
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _misorders(out: bytes) -> bool:
    """Tell whether UTF-8 order of keys may differ from the UTF-16 order that RFC 8785, 3.2.3 asks for."""
    if out.isascii():
        return False
    return any(byte in out for byte in _ASTRAL) and any(byte in out for byte in _ABOVE)


def _number(text: str) -> float:
    """Read a number written with a fraction or an exponent.

    From 10^21 on its canonical form keeps an exponent and comes back as the same double; below, it is written as plain
    digits, which nobody could tell from an unsafe integer.
    """
    number = float(text)
    if number - number != 0:
        raise CanonInvalid(reason="number_not_finite", found=text[:40])
    if SAFE < abs(number) < _EXPONENT:  # no double of that size has a fraction
        raise CanonInvalid(reason="integer_unsafe", found=text[:40])
    return number


@functools.lru_cache(maxsize=4096)
def _number_text(text: str) -> msgspec.Raw:
    """Give such a number as ECMAScript writes it (RFC 8785, 3.2.2.3)."""
    number = _number(text)
    if abs(number) >= _EXPONENT or 0 < abs(number) < 1e-4:  # here Python's way to write exponents is its own
        return msgspec.Raw(rfc8785.dumps(number))
    if number.is_integer():
        return msgspec.Raw(b"%d" % int(number))
    return msgspec.Raw(repr(number).encode("ascii"))


_CANONICAL_DECODER: Final = msgspec.json.Decoder(float_hook=_number_text)
_VALUE_DECODER: Final = msgspec.json.Decoder(float_hook=_number)
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _exact(data: bytes) -> Any:
    """Decode slowly, and say exactly what is wrong.

    Raises: cas.canon_invalid
    """
    if data[:3] == b"\xef\xbb\xbf" or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise CanonInvalid(reason="byte_order_mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CanonInvalid(reason="not_utf8", position=error.start) from error
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise CanonInvalid(reason="syntax", position=error.pos) from error
    except RecursionError as error:
        raise TooLarge(what="depth") from error
    _check_value(value)
    try:
        _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise CanonInvalid(reason="lone_surrogate") from error
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise CanonInvalid(reason="duplicate_key", key=ascii(key)[1:-1][:80])
            seen.add(key)
    return members


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 17 else SAFE + 1  # 16 digits and a sign: no need to read more of them
    if abs(number) > SAFE:
        raise CanonInvalid(reason="integer_unsafe", found=text[:40])
    return number


def _constant(text: str) -> NoReturn:
    raise CanonInvalid(reason="number_not_finite", found=text)


def _exact_bytes(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonInvalid(reason="lone_surrogate") from error
    except RecursionError as error:
        raise TooLarge(what="depth") from error


def _check_value(value: Any) -> bool:
    """Hold a value to JSON's types and safe numbers; tells whether it holds floats.

    Raises: cas.canon_invalid, cas.too_large
    """
    todo = [value]
    floats = False
    for item in todo:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        check = _CHECKS.get(kind)
        if check is None:
            raise CanonInvalid(reason="type", found=kind.__name__)
        todo.extend(check(item))
        floats = floats or kind is float
        if len(todo) > MAX_NODES:  # a value that holds itself ends here too
            raise TooLarge(what="nodes", limit=MAX_NODES)
    return floats


def _check_keys(item: dict[Any, Any]) -> Any:
    for key in item:
        if type(key) is not str:
            raise CanonInvalid(reason="type", found=f"{type(key).__name__} key")
    return item.values()


def _check_integer(item: int) -> tuple[()]:
    if not -SAFE <= item <= SAFE:
        raise CanonInvalid(reason="integer_unsafe", found=hex(item)[:40])
    return ()


def _check_float(item: float) -> tuple[()]:
    _number(repr(item))
    return ()


_CHECKS: Final[dict[type, Callable[[Any], Any]]] = {
    dict: _check_keys,
    list: list,
    tuple: list,
    int: _check_integer,
    float: _check_float,
}
