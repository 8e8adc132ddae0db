"""Which of many pictures are the same, by their digests or nearly so by their perceptual hashes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_content", "near_links"]

_HASH_BITS = 64
_ONES = np.array([number.bit_count() for number in range(2**16)], np.uint8)

Hashes = NDArray[np.uint64]
Links = NDArray[np.int64]


def by_content(digests: Iterable[bytes]) -> list[list[int]]:
    """All rows in groups: those made from the very same bytes stand together, in order."""
    rows_of: dict[bytes, list[int]] = {}
    for row, digest in enumerate(digests):
        rows_of.setdefault(digest, []).append(row)
    return list(rows_of.values())


def near_links(hashes: Hashes, *, bits: int) -> Links:
    """(L, 2) rows a < b whose hashes (N,) differ in at most `bits` bits, each pair once, in order.

    Rows with the very same hash are linked to the first of them alone, so that a thousand blank
    pictures make a thousand links and not a million.

    Cut into bits + 1 bands, two such hashes agree in one band at least, for there are more bands
    than differing bits (Manku, Jain, Das Sarma 2007, Detecting Near-Duplicates for Web Crawling,
    section 3.1). So only hashes that agree in a band are compared; memory grows with N alone.
    """
    distinct, first, member = np.unique(hashes, return_index=True, return_inverse=True)
    rows = np.arange(len(hashes))
    again = rows[first[member] != rows]
    links = [np.stack([first[member[again]], again], axis=1)]
    edges = np.linspace(0, _HASH_BITS, bits + 2).astype(int).tolist()
    for low, high in pairwise(edges):
        band = (distinct >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        links.append(first[_near_in_band(distinct, band, bits)])
    return np.unique(np.sort(np.concatenate(links), axis=1), axis=0)


def _near_in_band(hashes: Hashes, band: Hashes, bits: int) -> Links:
    """(L, 2) places in `hashes` of those near each other that have the same band."""
    order = np.argsort(band, kind="stable")
    band, hashes = band[order], hashes[order]
    found = [np.empty((0, 2), np.int64)]
    # In this order equals stand together: each is compared with the next, the one after that, and
    # so on. Whoever's n-th follower has another band has no equals further on.
    ahead, places = 1, np.arange(len(band) - 1)
    while len(places):
        places = places[band[places] == band[places + ahead]]
        apart = hashes[places] ^ hashes[places + ahead]
        near = places[_ones(apart) <= bits]
        found.append(np.stack([order[near], order[near + ahead]], axis=1))
        ahead += 1
        places = places[places + ahead < len(band)]
    return np.concatenate(found)


def _ones(numbers: Hashes) -> NDArray[np.int64]:
    """(N,) how many bits of each are set."""
    counted: NDArray[np.int64] = _ONES[numbers.view(np.uint16).reshape(-1, 4)].sum(1, np.int64)
    return counted
