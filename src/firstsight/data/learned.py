"""Which pictures a model learned from, in a few bytes each, to be known again wherever they lie.

Digests are as good as random numbers. So of many pictures the smallest digests are a random sample,
the same whoever draws it, and of any other picture it is known whether it would be in the sample
(a bottom-k sketch; Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import ModelFolderError

__all__ = ["LearnedPictures"]

KEPT = 10_000  # 80 kB of text; all pictures of a set up to this size
_BYTES = 6  # of a digest: two of 10,000 and 10,000 pictures agree by chance once in 3 million times
_WEIGHTS = 256 ** np.arange(_BYTES - 1, -1, -1, dtype=np.uint64)
_LARGEST = np.uint64(256**_BYTES - 1)


@dataclass(frozen=True, eq=False)
class LearnedPictures:
    """numbers: (n,) uint64, rising: the beginnings of the KEPT smallest digests, or of all."""

    numbers: NDArray[np.uint64]

    @classmethod
    def of(cls, digests: NDArray[np.uint8]) -> LearnedPictures:
        """digests: (N, 32), as PackedPictures has them."""
        return cls(np.unique(_numbers(digests))[:KEPT])

    def __or__(self, other: LearnedPictures) -> LearnedPictures:
        """What was learned first and what was learned afterwards."""
        return LearnedPictures(np.union1d(self.numbers, other.numbers)[:KEPT])

    def told_of(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) of which pictures it is known whether they were learned from: all but for a model
        of more than KEPT pictures."""
        told: NDArray[np.bool_] = _numbers(digests) <= self._last
        return told

    def among(self, digests: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """(N,) which pictures are known to have been learned from."""
        return np.isin(_numbers(digests), self.numbers)

    def to_text(self) -> str:
        every = self.numbers.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - _BYTES :]
        return base64.b64encode(every.tobytes()).decode("ascii")

    @classmethod
    def from_text(cls, text: object) -> LearnedPictures:
        """ModelFolderError for anything that `to_text` would not have made."""
        try:
            content = base64.b64decode(text, validate=True)  # type: ignore[arg-type]
            numbers = np.frombuffer(content, np.uint8).reshape(-1, _BYTES) @ _WEIGHTS
        except (TypeError, ValueError, binascii.Error) as flaw:
            raise ModelFolderError(
                "the model's record of the pictures it learned from is damaged; "
                "copy or export the model folder again"
            ) from flaw
        return cls(numbers)

    @property
    def _last(self) -> np.uint64:
        return self.numbers[-1] if len(self.numbers) == KEPT else _LARGEST


def _numbers(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    numbers: NDArray[np.uint64] = digests[:, :_BYTES] @ _WEIGHTS
    return numbers
