"""A bbolt database written in one go, sorted: what a scanner that reads one is given to be measured beside ours.

Pages of 4,096 bytes: two meta pages, a free list, then B+trees of leaves and branches; a small bucket without buckets in
it stands inline in its parent's leaf, as bbolt itself would write it.
"""

import struct

PAGE = 4096
_HEADER = struct.Struct("<QHHI")
_LEAF = struct.Struct("<IIII")
_BRANCH = struct.Struct("<IIQ")
_BUCKET = struct.Struct("<QQ")
_META = struct.Struct("<IIIIQQQQQ")
BRANCH_FLAG, LEAF_FLAG, META_FLAG, FREE_FLAG, BUCKET_FLAG = 1, 2, 4, 16, 1
_INLINE = PAGE // 4


class Bolt:
    """Collects pages; ``write`` puts them behind the meta pages."""

    def __init__(self):
        self.pages = {}
        self.next = 3

    def _place(self, flags, body, count):
        size = _HEADER.size + len(body)
        many = -(-size // PAGE)
        number, self.next = self.next, self.next + many
        data = _HEADER.pack(number, flags, count, many - 1) + body
        self.pages[number] = data.ljust(many * PAGE, b"\0")
        return number

    @staticmethod
    def _leaf_body(items):
        heads, data = [], []
        at = len(items) * _LEAF.size
        for index, (flag, key, value) in enumerate(items):
            heads.append(_LEAF.pack(flag, at - index * _LEAF.size, len(key), len(value)))
            data.append(key + value)
            at += len(key) + len(value)
        return b"".join(heads + data)

    def tree(self, items):
        """Write sorted (flag, key, value) items as a tree; give its root page."""
        level, part, size = [], [], 0
        for item in items:
            length = _LEAF.size + len(item[1]) + len(item[2])
            if part and size + length > PAGE - _HEADER.size:
                level.append((part[0][1], self._place(LEAF_FLAG, self._leaf_body(part), len(part))))
                part, size = [], 0
            part.append(item)
            size += length
        level.append((part[0][1] if part else b"", self._place(LEAF_FLAG, self._leaf_body(part), len(part))))
        while len(level) > 1:
            level = self._branches(level)
        return level[0][1]

    def _branches(self, level):
        above, part, size = [], [], 0
        for key, page in [*level, (None, 0)]:
            length = _BRANCH.size + len(key or b"")
            if part and (key is None or size + length > PAGE - _HEADER.size):
                heads, data, at = [], [], len(part) * _BRANCH.size
                for index, (each, below) in enumerate(part):
                    heads.append(_BRANCH.pack(at - index * _BRANCH.size, len(each), below))
                    data.append(each)
                    at += len(each)
                above.append((part[0][0], self._place(BRANCH_FLAG, b"".join(heads + data), len(part))))
                part, size = [], 0
            if key is not None:
                part.append((key, page))
                size += length
        return above

    def bucket(self, mapping):
        """Write {key: bytes or mapping} as a bucket; give the value that stands for it in its parent."""
        items = []
        for key in sorted(mapping):
            value = mapping[key]
            nested = isinstance(value, dict)
            items.append((BUCKET_FLAG if nested else 0, key.encode(), self.bucket(value) if nested else value))
        body = self._leaf_body(items)
        if not any(flag for flag, _, _ in items) and len(body) + _HEADER.size < _INLINE:
            return _BUCKET.pack(0, 0) + _HEADER.pack(0, LEAF_FLAG, len(items), 0) + body
        return _BUCKET.pack(self.tree(items), 0)

    def write(self, path, buckets):
        """Write a database of top-level buckets."""
        root = self.tree([(BUCKET_FLAG, key.encode(), self.bucket(buckets[key])) for key in sorted(buckets)])
        with open(path, "wb") as file:
            file.writelines(self._meta(number, root) for number in (0, 1))
            file.write(_HEADER.pack(2, FREE_FLAG, 0, 0).ljust(PAGE, b"\0"))
            file.writelines(self.pages[number] for number in sorted(self.pages))

    def _meta(self, number, root):
        meta = _META.pack(0xED0CDAED, 2, PAGE, 0, root, 0, 2, self.next, number + 1)
        checksum = 0xCBF29CE484222325
        for byte in meta:
            checksum = ((checksum ^ byte) * 0x100000001B3) % (1 << 64)
        return (_HEADER.pack(number, META_FLAG, 0, 0) + meta + struct.pack("<Q", checksum)).ljust(PAGE, b"\0")
