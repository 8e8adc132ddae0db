"""Pictures to embeddings by ONNX Runtime; nothing here needs PyTorch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.errors import (
    FirstsightError,
    ModelFolderError,
    PictureError,
    ShapeError,
    UsageError,
)
from firstsight.images.decode import PictureLike
from firstsight.images.rows import PixelRows
from firstsight.model.folder import ONNX, read_model_info, read_onnx, resolve_model
from firstsight.model.info import ModelInfo
from firstsight.model.runtime import onnx_runtime

__all__ = ["Embedder", "load"]

INPUT = "pictures"
OUTPUT = "embeddings"
_MOST_VALUES_AT_ONCE = 2**22  # 27 colour pictures of 224 x 224

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class _Session(Protocol):
    """What is used of runtime.InferenceSession."""

    def run(self, outputs: list[str], feed: dict[str, Floats]) -> list[Any]: ...
    def get_inputs(self) -> list[Any]: ...
    def get_outputs(self) -> list[Any]: ...


def load(model: str | Path, *, threads: int | None = None) -> Embedder:
    """Open a shipped model by its name, or any model folder by its path.

    threads: how many cores the network may use; None means every usable one.
    Raises ModelFolderError where the folder is missing, damaged or foreign, UsageError where
    `threads` is below 1.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; give 1 or more, or leave it out for every core")
    path = resolve_model(model)
    info = read_model_info(path)
    open_session = partial(_open_session, read_onnx(path), str(path / ONNX))
    session = open_session(threads or _usable_cores())
    return Embedder(info, session, where=str(path), open_session=open_session)


class Embedder:
    """A model ready to embed. Its methods may be called from several threads at once."""

    def __init__(
        self,
        info: ModelInfo,
        session: _Session,
        *,
        where: str,
        open_session: Callable[[int], _Session] | None = None,
    ) -> None:
        """Check that network, preprocessing and head fit; ModelFolderError names `where`.

        open_session: another session of the same network, for so many cores.
        """
        self.info = info
        self._session = session
        self._where = where
        self._open_session = open_session
        _require_fitting(session, info, where)

    @cached_property
    def on_one_core(self) -> Embedder:
        """The same model for callers in several threads, each of which brings a core of its own."""
        if self._open_session is None:
            return self
        return Embedder(self.info, self._open_session(1), where=self._where)

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
        feed = {INPUT: np.ascontiguousarray(self.info.preprocessing.normalise(pixels))}
        try:
            (embeddings,) = self._session.run([OUTPUT], feed)
        # ONNX Runtime's errors share no base class of their own.
        except Exception as flaw:
            told = f"it fails while running ({_first_line(flaw)})"
            raise _cannot_serve(self._where, told) from flaw
        wanted = (len(pixels), self.info.embedding_size)
        if embeddings.shape != wanted:
            raise _cannot_serve(
                self._where, f"it gave embeddings of shape {embeddings.shape}, wanted {wanted}"
            )
        if not np.isfinite(embeddings).all():
            raise _cannot_serve(self._where, "it gave embeddings that are not finite")
        return cast(Floats, embeddings)

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


def _open_session(onnx: bytes, where: str, threads: int) -> _Session:
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: what fails is raised, and told once
    # Spinning threads would take the cores from decoding, and from whoever else works here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A memory plan fits one batch size, and ours vary; the arena itself stays.
    options.enable_mem_pattern = False
    try:
        session = runtime.InferenceSession(
            onnx, sess_options=options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's errors share no base class of their own.
    except Exception as flaw:
        raise _cannot_serve(where, f"ONNX Runtime refuses it ({_first_line(flaw)})") from flaw
    return cast(_Session, session)


def _require_fitting(session: _Session, info: ModelInfo, where: str) -> None:
    seen = info.preprocessing
    _require_port(session.get_inputs(), INPUT, (seen.channels, seen.size, seen.size), where)
    _require_port(session.get_outputs(), OUTPUT, (info.embedding_size,), where)
    one = np.zeros((1, info.embedding_size), np.float32)
    try:
        info.head.distance(one, one)
    except FirstsightError as flaw:
        raise _cannot_serve(where, f"its head does not fit its embeddings ({flaw})") from flaw


def _require_port(ports: list[Any], name: str, inner: tuple[int, ...], where: str) -> None:
    """The graph's only input or output must be float32 (batch, *inner), with a free batch."""
    if len(ports) == 1 and (ports[0].name, ports[0].type) == (name, "tensor(float)"):
        shape = list(ports[0].shape)
        # A free size is a name or None. Exporters may leave inner ones free; running will tell.
        free = [not isinstance(size, int) for size in shape]
        fits = [
            is_free or size == want
            for is_free, size, want in zip(free, shape, (0, *inner), strict=False)
        ]
        if len(shape) == 1 + len(inner) and free[0] and all(fits):
            return
    told = "; ".join(f"{port.type} {port.name} {port.shape}" for port in ports) or "nothing"
    wanted = f"tensor(float) {name} {['batch', *inner]}"
    raise _cannot_serve(where, f"the graph has {told} where {wanted} was wanted")


def _cannot_serve(where: str, flaw: str) -> ModelFolderError:
    return ModelFolderError(
        f"the network of {where} cannot serve: {flaw}; copy or export the model folder again"
    )


def _first_line(flaw: Exception) -> str:
    return (str(flaw).splitlines() or [type(flaw).__name__])[0]


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
