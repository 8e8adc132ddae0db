"""Which model a gallery belongs to: vectors of two models cannot be compared."""

from __future__ import annotations

from pathlib import Path

from firstsight.errors import GalleryError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import gallery_option
from firstsight.gallery.records import ModelBinding
from firstsight.model.embedder import Embedder
from firstsight.model.folder import resolve_model, shipped_models

__all__ = ["binding_of", "require_own_model"]


def binding_of(embedder: Embedder, chosen: str | Path) -> ModelBinding:
    """How a gallery remembers a model that was opened as `chosen`."""
    shipped = isinstance(chosen, str) and chosen in shipped_models()
    return ModelBinding(
        name=embedder.info.name,
        fingerprint=embedder.info.fingerprint,
        place=str(chosen) if shipped else str(resolve_model(chosen).resolve()),
        embedding_size=embedder.info.embedding_size,
    )


def require_own_model(gallery: Gallery, embedder: Embedder) -> None:
    """GalleryError where the gallery was embedded by another model."""
    own = gallery.info.model
    if own.fingerprint != embedder.info.fingerprint:
        raise GalleryError(
            f"the gallery {gallery.info.name!r} was embedded by the model {own.name} "
            f"({own.fingerprint[:12]}), which is not {embedder.info.name} "
            f"({embedder.info.fingerprint[:12]}); give that model, or move the gallery to the new "
            f"one: firstsight upgrade{gallery_option(gallery.place)} --model NEW"
        )
