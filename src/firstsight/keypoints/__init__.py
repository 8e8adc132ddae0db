"""Local features of pictures (SIFT), and which of two pictures' agree in place: a second look.

An embedding says how alike two pictures are as a whole. A print, a label or a pattern that is seen
again tells more: its corners and blobs lie in the same order, turned, nearer or aslant.
"""

from firstsight.keypoints.agreeing import Agreement, agreeing
from firstsight.keypoints.colours import Colours, compare_colours
from firstsight.keypoints.finding import FORMAT, Keypoints, find_keypoints

__all__ = [
    "FORMAT",
    "Agreement",
    "Colours",
    "Keypoints",
    "agreeing",
    "compare_colours",
    "find_keypoints",
]
