"""Pictures to embeddings by ONNX Runtime; nothing here needs PyTorch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, cached_property, partial
from pathlib import Path
from threading import Thread
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.errors import PictureError, ShapeError, UsageError
from firstsight.images.decode import PictureLike
from firstsight.images.rows import PixelRows
from firstsight.model.folder import ONNX, read_model_info, read_onnx, resolve_model
from firstsight.model.info import ModelInfo
from firstsight.model.session import Session, open_session

__all__ = ["Embedder", "load", "load_ahead"]

_MOST_VALUES_AT_ONCE = 2**22  # 27 colour pictures of 224 x 224

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def load(model: str | Path, *, threads: int | None = None) -> Embedder:
    """Open a shipped model by its name, or any model folder by its path.

    threads: how many cores the network may use; None means every usable one.
    Raises ModelFolderError where the folder is missing, damaged or foreign, UsageError where
    `threads` is below 1.
    """
    embedder = load_ahead(model, threads=threads)
    embedder.require_network()
    return embedder


def load_ahead(model: str | Path, *, threads: int | None = None) -> Embedder:
    """As `load`, but the network is opened by another thread meanwhile.

    What is wrong with it is told by its first use; what is wrong with model.json, now.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; give 1 or more, or leave it out for every core")
    path = resolve_model(model)
    info = read_model_info(path)
    onnx = cache(partial(read_onnx, path))  # the folder may be another model's by the second time

    def open_network(threads: int) -> Session:
        return open_session(onnx(), info, str(path / ONNX), threads)

    return Embedder(info, open_network, threads or _usable_cores())


class Embedder:
    """A model ready to embed. Its methods may be called from several threads at once."""

    def __init__(
        self, info: ModelInfo, open_network: Callable[[int], Session], threads: int
    ) -> None:
        """open_network: for so many cores; another thread begins with it now."""
        self.info = info
        self._open_network = open_network
        self._network: Future[Session] = Future()
        Thread(target=self._open, args=(threads,), name="open network").start()

    def require_network(self) -> None:
        """Wait until the network is there; ModelFolderError where it is damaged or does not fit."""
        self._network.result()

    @cached_property
    def on_one_core(self) -> Embedder:
        """The same model for callers in several threads, each of which brings a core of its own."""
        return Embedder(self.info, self._open_network, 1)

    def embed(
        self, pictures: PictureLike | Iterable[PictureLike], *, batch_size: int = 64
    ) -> Floats:
        """Embed one picture or many, order kept: (N, D), N = 1 for one picture.

        A uint8 array of four dimensions (N, H, W, C) counts as N pictures. Decoding runs ahead
        of the network by one batch. Raises PictureError for the first picture that cannot be
        read, naming it and, among many, its position.
        """
        listed = _listed(pictures)
        blocks = [
            self.embed_pixels(pixels, batch_size=batch_size)
            for pixels in self._decoded(listed, batch_size)
        ]
        return np.concatenate([self._none(), *blocks])

    def embed_pixels(self, pixels: PixelRows, *, batch_size: int = 64) -> Floats:
        """Embed pictures that the model's preprocessing already made into pixels.

        pixels: (N, size, size, C) uint8, dark ink on light paper, as `Preprocessing.pixels` and
        PackedPictures have them. Large pictures go through the network fewer at once, so that
        memory stays bounded. Returns (N, D). Raises ShapeError where they do not fit.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; give 1 or more")
        seen = self.info.preprocessing
        wanted = (seen.size, seen.size, seen.channels)
        if pixels.ndim != 4 or pixels.shape[1:] != wanted or pixels.dtype != np.uint8:
            raise ShapeError(
                f"the pixels are {pixels.dtype} {pixels.shape}, wanted uint8 "
                f"(N, {', '.join(map(str, wanted))}); pack them with this model's preprocessing"
            )
        at_once = max(1, min(batch_size, _MOST_VALUES_AT_ONCE // math.prod(wanted)))
        starts = range(0, len(pixels), at_once)
        blocks = [self._run(pixels[start : start + at_once]) for start in starts]
        return np.concatenate([self._none(), *blocks])

    def distance(self, a: Floats, b: Floats) -> Floats:
        """Compare embeddings (N, D) and (M, D) by the model's head: (N, M), lower is closer."""
        return self.info.head.distance(a, b)

    def _none(self) -> Floats:
        return np.zeros((0, self.info.embedding_size), np.float32)

    def _run(self, pixels: Pixels) -> Floats:
        pictures = np.ascontiguousarray(self.info.preprocessing.normalise(pixels))
        return self._network.result().embed(pictures)

    def _open(self, threads: int) -> None:
        try:
            self._network.set_result(self._open_network(threads))
        except BaseException as trouble:
            self._network.set_exception(trouble)

    def _decoded(self, pictures: Sequence[PictureLike], batch_size: int) -> Iterator[Pixels]:
        """Batches of pixels; the next one is decoded while the caller works on this one."""
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; give 1 or more")
        seen = self.info.preprocessing
        if len(pictures) == 1:
            yield seen.pixels(pictures[0])[None]
            return
        with ThreadPoolExecutor(_usable_cores(), thread_name_prefix="decode") as pool:

            def begin(start: int) -> list[Future[Pixels]]:
                batch = pictures[start : start + batch_size]
                # The same object twice is decoded once: two threads must not share its file.
                jobs = {id(picture): picture for picture in batch}
                running = {key: pool.submit(seen.pixels, job) for key, job in jobs.items()}
                return [running[id(picture)] for picture in batch]

            ahead = begin(0)
            try:
                for start in range(0, len(pictures), batch_size):
                    rows = [
                        _result(job, start + row, len(pictures)) for row, job in enumerate(ahead)
                    ]
                    ahead = begin(start + batch_size)
                    yield np.stack(rows)
            finally:
                for job in ahead:
                    job.cancel()


def _result(job: Future[Pixels], position: int, total: int) -> Pixels:
    try:
        return job.result()
    except PictureError as flaw:
        raise PictureError(f"picture {position + 1} of {total}: {flaw}") from flaw


def _listed(pictures: PictureLike | Iterable[PictureLike]) -> Sequence[PictureLike]:
    if isinstance(pictures, np.ndarray):
        return list(pictures) if pictures.ndim == 4 else [pictures]
    # Bytes and streams can be iterated over too, yet each is one picture.
    single = isinstance(pictures, str | bytes | bytearray | memoryview | Path | Image.Image)
    if single or hasattr(pictures, "read") or not isinstance(pictures, Iterable):
        return [cast(PictureLike, pictures)]
    return list(cast("Iterable[PictureLike]", pictures))


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
