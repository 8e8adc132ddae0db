"""Which photos, thresholds and names a recognizer goes by, kept up with its gallery."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from firstsight.gallery.gallery import Gallery
from firstsight.model.embedder import Embedder
from firstsight.recognition.binding import require_own_model

# What judges distances is imported when the first question is asked: until then a cold process
# has the network to open and a picture to decode.
if TYPE_CHECKING:
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.deciding.estimated import Estimate
    from firstsight.recognition.standing import Standing

__all__ = ["Standings"]

MOST_SHARES = 8  # of false accepts, beside the usual one, whose thresholds stay at hand


class Standings:
    """Of one gallery. One thread at a time may use it."""

    def __init__(self, gallery: Gallery, embedder: Embedder, target: float, *, waits: bool) -> None:
        """target: the usual share of false accepts. waits: as in `Recognizer`."""
        self._gallery, self._embedder = gallery, embedder
        self._target, self._waits = target, waits
        self._standing: Standing | None = None
        self._known_names: dict[int, str] = {}
        self._at_other_shares: dict[float, Standing] = {}

    def current(self) -> Standing:
        """Of this moment; GalleryError for an empty gallery, or one of another model by now."""
        former = self._standing
        if former is not None and former.generation == self._gallery.generation:
            return former
        from firstsight.recognition.standing import read_standing

        require_own_model(self._gallery, self._embedder)
        self._known_names = {}
        self._standing = read_standing(
            self._gallery,
            self._embedder.info.head,
            self.calibrated,
            target=self._target,
            meanwhile=None if self._waits or former is None else former.estimate,
        )
        return self._standing

    def at_share(self, false_accepts: float | None) -> Standing:
        """The current one, judged by the thresholds for another share of false accepts."""
        current = self.current()
        if false_accepts is None or false_accepts == self._target:
            return current
        found = self._at_other_shares.pop(false_accepts, None)
        if found is None or found.generation != current.generation:
            found = current.judged_by(self.estimate(false_accepts))
        self._at_other_shares[false_accepts] = found
        if len(self._at_other_shares) > MOST_SHARES:
            del self._at_other_shares[next(iter(self._at_other_shares))]
        return found

    def estimate(self, false_accepts: float | None) -> Estimate:
        """The thresholds in force, or those for another share of false accepts."""
        if false_accepts is None or false_accepts == self._target:
            return self.current().estimate
        from firstsight.recognition.standing import read_standing

        head = self._embedder.info.head
        return read_standing(self._gallery, head, self.calibrated, target=false_accepts).estimate

    @property
    def is_settled(self) -> bool:
        """Whether the last standing's thresholds are of its own moment."""
        return self._standing is None or self._standing.settled

    def adopt(self, standing: Standing | None) -> None:
        """Go by the thresholds of another one's standing of this gallery."""
        mine = self._standing
        if standing is None or mine is None or standing.generation == mine.generation:
            self._standing = standing
        else:
            self._standing = mine.judged_by(standing.estimate)

    def names(self, thing_ids: Iterable[int]) -> dict[int, str]:
        """Of the things of the current standing; kept until there is another."""
        wanted = [int(each) for each in thing_ids]
        if unknown := [each for each in wanted if each not in self._known_names]:
            self._known_names |= self._gallery.names(unknown)
        return {each: self._known_names[each] for each in wanted if each in self._known_names}

    @cached_property
    def calibrated(self) -> Calibrated | None:
        """What the model knows of its own distances."""
        from firstsight.recognition.comparing import calibrated_of

        return calibrated_of(self._embedder)
