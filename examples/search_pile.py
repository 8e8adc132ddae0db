"""Find the pictures in a pile that look most like one of yours; no gallery, no names.

    python examples/search_pile.py PILE PICTURE

Each picture of PILE (with all folders in it) is embedded once and kept in embeddings.npz, so that
the next search costs one embedding and one product. Take "photos" for photographs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import firstsight

KEPT = Path("embeddings.npz")


def main(pile: Path, picture: Path) -> None:
    model = firstsight.load("characters")
    paths = sorted(path for path in pile.rglob("*") if path.suffix in (".png", ".jpg", ".jpeg"))
    names = np.array([str(path) for path in paths])
    kept = np.load(KEPT) if KEPT.exists() else None
    # Embeddings of another model, or of another pile, would be compared without any complaint.
    if (
        kept is None
        or kept["model"] != model.info.fingerprint
        or list(kept["names"]) != list(names)
    ):
        np.savez(KEPT, names=names, model=model.info.fingerprint, embeddings=model.embed(paths))
        kept = np.load(KEPT)
    distance = model.distance(model.embed(picture), kept["embeddings"])[0]
    for place in np.argsort(distance)[:5]:
        print(f"{distance[place]:.3f}  {names[place]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
