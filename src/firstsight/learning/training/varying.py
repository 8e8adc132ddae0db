"""From a recipe's [augment] to what is done to each batch, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from firstsight.learning.augment.affine import AffineDistortion, AffineRanges
from firstsight.learning.augment.ink import StrokeThickness
from firstsight.learning.augment.mirror import mirror_half
from firstsight.learning.recipes.schema import Recipe

__all__ = ["Variation", "build_variations"]

Variation = Callable[[Tensor], Tensor]


def build_variations(recipe: Recipe) -> list[Variation]:
    """Each takes normalised pictures (B, C, S, S), and draws from torch's global generator."""
    augment, picture = recipe.augment, recipe.picture
    variations: list[Variation] = []
    if augment.mirror:
        variations.append(mirror_half)
    if augment.thickness_px:
        variations.append(StrokeThickness(augment.thickness_px))
    if augment.affine is not None and (augment.affine.probability or augment.affine.elastic):
        variations.append(AffineDistortion(AffineRanges(**augment.affine.model_dump())))
    if augment.other_views:
        from firstsight.learning.augment.views import SomeOtherViews

        seen_so = (picture.size, picture.mean, picture.deviation)
        variations.append(SomeOtherViews(augment.other_views, *seen_so))
    if augment.photo is not None:
        # kornia takes half a second to import; drawings do without it.
        from firstsight.learning.augment.photo import PhotoRanges, PhotoVariation

        ranges = PhotoRanges(**augment.photo.model_dump())
        variations.append(PhotoVariation(ranges, picture.size, picture.mean, picture.deviation))
    return variations
