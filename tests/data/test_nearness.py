from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstsight.data.nearness import near_links

NUMBERS = st.integers(0, 2**64 - 1)


def naive(hashes: list[int], bits: int) -> list[tuple[int, int]]:
    """Each pair that differs in 1 to `bits` bits, first rows only; the same number to its first."""
    first = {number: hashes.index(number) for number in hashes}
    links = {(first[n], row) for row, n in enumerate(hashes) if first[n] != row}
    for a, b in combinations(first, 2):
        if (a ^ b).bit_count() <= bits:
            links.add((min(first[a], first[b]), max(first[a], first[b])))
    return sorted(links)


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.data(), st.integers(0, 8))
def test_links_are_those_of_comparing_all_with_all(
    seeds: list[int], data: st.DataObject, bits: int
) -> None:
    hashes = list(seeds)
    for _ in range(20):  # near ones, with up to ten bits changed
        number = data.draw(st.sampled_from(seeds))
        for bit in data.draw(st.lists(st.integers(0, 63), max_size=10)):
            number ^= 1 << bit
        hashes.append(number)
    found = near_links(np.array(hashes, np.uint64), bits=bits)
    assert [tuple(link) for link in found.tolist()] == naive(hashes, bits)


def test_nothing_is_near_in_nothing_and_in_one() -> None:
    assert near_links(np.array([], np.uint64), bits=4).shape == (0, 2)
    assert near_links(np.array([5], np.uint64), bits=4).shape == (0, 2)


def test_many_times_the_same_makes_one_link_each() -> None:
    links = near_links(np.full(50_000, 7, np.uint64), bits=8)
    np.testing.assert_array_equal(links[:, 0], 0)
    np.testing.assert_array_equal(links[:, 1], np.arange(1, 50_000))
