"""What keypoints that agree say about two pictures showing the same thing.

Keypoints agree or not, however alike the pictures are as a whole; so what they say is added to the
log odds that the distance says, as if the pictures were nearer by as much.
"""

from __future__ import annotations

__all__ = ["SAME_COLOURS", "log_odds_of"]

# By single things photographed anew, and by faces, which have eyes and mouths in the same places:
# decision 0025; the colours by sister products, which bear one print in several: decision 0026.
BY_CHANCE, EACH, AT_MOST = 2.0, 1.5, 8.0
SAME_COLOURS, OTHERS = 0.08, 0.16


def log_odds_of(agreeing: float, other_colours: float = 0.0) -> float:
    """By how much the odds of "the same" rise, as a natural logarithm.

    agreeing: keypoints that agree, each counted by how near to both pictures' middles it lies. Two
    or so agree by chance, as any two faces' eyes may; and the same print, logo or room may be seen
    with another thing, so no number of them says more than AT_MOST. None that agree say nothing:
    most things bear no print. other_colours: share, 0..1, of the places there that have another
    colour: where many have, it is the same print on another thing, and says nothing either.
    """
    alike = min(1.0, max(0.0, (OTHERS - other_colours) / (OTHERS - SAME_COLOURS)))
    return alike * min(AT_MOST, EACH * max(0.0, agreeing - BY_CHANCE))
