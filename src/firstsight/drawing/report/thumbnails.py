"""Small pictures inside the page, as data URIs of bounded size."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field

from firstsight.drawing.tiles import as_rgb
from firstsight.images.rows import PixelRows

__all__ = ["Thumbnails"]

LARGEST_SIDE = 96  # px; shown at 72 or less


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Pictures of a packed set (N, H, W, C), each encoded once however often it is shown."""

    pixels: PixelRows
    _known: dict[int, str] = field(default_factory=dict)

    def uri(self, row: int) -> str:
        """Grey ones as PNG, which keeps strokes sharp; coloured ones as JPEG, some 3 kB."""
        if row not in self._known:
            self._known[row] = self._encoded(row)
        return self._known[row]

    def _encoded(self, row: int) -> str:
        picture = as_rgb(self.pixels[row])
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        stream = io.BytesIO()
        if self.pixels.shape[-1] == 1:
            kind = "png"
            picture.convert("L").save(stream, "PNG", optimize=True)
        else:
            kind = "jpeg"
            picture.save(stream, "JPEG", quality=80, optimize=True)
        return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
