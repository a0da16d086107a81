"""The Merkle tree over the record (RFC 6962 section 2.1), pure.

Leaves are hashed as ``SHA-256(0x00 || data)``, nodes as ``SHA-256(0x01 || left || right)``;
the left part of a tree of n leaves holds the largest power of two below n.
"""

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


class Frontier:
    """The roots of the perfect subtrees of what was added so far: enough to add more and to give the root.

    Holds at most one hash for each bit of the size, so a tree of a billion leaves needs thirty.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError("a frontier has one hash for each bit that is set in its size")
        self.size = size
        self.hashes = list(hashes)
        """Largest subtree first."""

    def add(self, data: bytes) -> None:
        """Append one leaf. Amortised two hashes."""
        node = leaf_hash(data)
        size = self.size
        while size & 1:
            node = node_hash(self.hashes.pop(), node)
            size >>= 1
        self.hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """32 bytes. The empty tree's root is SHA-256 of nothing."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node


def root_of(leaves: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root (section 2.1.1), lowest first."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"index {index} is outside the tree")
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*inclusion_path(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_path(leaves[split:], index - split), root_of(leaves[:split])]


def root_from_path(data: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that ``path`` proves for a leaf (RFC 9162 section 2.1.3.2). ValueError when it cannot fit."""
    if not 0 <= index < size:
        raise ValueError("index is outside the tree")
    node, at, last = leaf_hash(data), index, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise ValueError("the path is too short")
    return node
