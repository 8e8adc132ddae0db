"""What `model.json` says: the record, its fingerprint, and its strict reading.

The fingerprint names what turns a picture into a distance, and nothing else: weights,
preprocessing, head, and how the network looks at pictures. Adding scores or a calibration leaves
it as it is. It is stored *and* worked out again on reading, so a preprocessing edited by hand is
noticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from firstsight.errors import ModelFolderError
from firstsight.images.preprocess import Preprocessing
from firstsight.similarity import Head, head_from_json

__all__ = ["SCHEMA_VERSION", "ModelInfo", "StoredModel", "fingerprint_of", "weights_digest"]

SCHEMA_VERSION = 1

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Everything about a model but its weights.

    name: what the recipe calls it.
    embedding_size: D, the length of an embedding.
    recipe: the recipe that made it; the card reads `name`, `same_means`, `data`
        and `limits` from it where they are there.
    fingerprint: sha256 hex; left empty by the maker, filled by `write_model_folder`.
    data_fingerprint: the fingerprint of the pictures it learned from; "" where nobody knows.
    calibration: how distances become probabilities; None before it was calibrated.
    scores: scorecards, each with its protocol.
    made_by: firstsight version, commit, seed, hardware, data_credit, beside_fingerprint (of a
        further set that it learned from), learned (which pictures, see data/learned.py),
        began_with (the making of the model that its training began with).
    """

    name: str
    preprocessing: Preprocessing
    head: Head
    embedding_size: int
    recipe: Json = field(default_factory=dict)
    fingerprint: str = ""
    data_fingerprint: str = ""
    calibration: Json | None = None
    scores: tuple[Json, ...] = ()
    made_by: Json = field(default_factory=dict)


@dataclass(frozen=True)
class StoredModel:
    """A ModelInfo and what the folder keeps for itself.

    weights: digest of the weights, see `weights_digest`.
    files: sha256 hex of each weight file by its name.
    """

    info: ModelInfo
    weights: str
    files: Mapping[str, str]

    def to_text(self) -> str:
        """The text of model.json: one key a line, floats that read back as the same floats."""
        info = self.info
        content: Json = {
            "schema_version": SCHEMA_VERSION,
            "name": info.name,
            "fingerprint": info.fingerprint,
            "weights": self.weights,
            "files": dict(self.files),
            "preprocessing": info.preprocessing.to_json(),
            "head": info.head.to_json(),
            "embedding_size": info.embedding_size,
            "calibration": info.calibration,
            "recipe": info.recipe,
            "data_fingerprint": info.data_fingerprint,
            "made_by": info.made_by,
            "scores": list(info.scores),
        }
        lines = [f"  {json.dumps(key)}: {_dump(key, value)}" for key, value in content.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_text(cls, text: str, where: str) -> StoredModel:
        """Read model.json; `where` names it in the ModelFolderError that any flaw raises."""
        fields = _Fields(_parse(text, where), where)
        version = fields.whole("schema_version")
        if version > SCHEMA_VERSION:
            raise ModelFolderError(
                f"{where} has schema_version {version} but this firstsight reads up to "
                f"{SCHEMA_VERSION}; update firstsight"
            )
        if version < 1:
            fields.refuse(f"schema_version is {version}, wanted {SCHEMA_VERSION}")
        info = ModelInfo(
            name=fields.text("name"),
            fingerprint=fields.digest("fingerprint"),
            preprocessing=fields.preprocessing(),
            head=fields.head(),
            embedding_size=fields.whole("embedding_size"),
            calibration=fields.table_or_none("calibration"),
            recipe=fields.table("recipe"),
            data_fingerprint=fields.text("data_fingerprint"),
            made_by=fields.table("made_by"),
            scores=fields.tables("scores"),
        )
        if info.embedding_size < 1:
            fields.refuse(f"embedding_size is {info.embedding_size}, wanted 1 or more")
        stored = cls(info, fields.digest("weights"), fields.file_digests("files"))
        fields.refuse_unknown()
        if info.fingerprint != fingerprint_of(stored.weights, info):
            fields.refuse("weights, preprocessing or head do not belong to its fingerprint")
        return stored


def weights_digest(onnx: bytes, tensors: Mapping[str, np.ndarray[Any, Any]] | None) -> str:
    """sha256 hex over names, dtypes, shapes and bytes of the tensors; without them over the graph.

    Tensors come first because two exports of the same weights may differ in their graph bytes.
    """
    if not tensors:
        return hashlib.sha256(onnx).hexdigest()
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.asarray(tensors[name], order="C")
        little = tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)
        digest.update(_canonical([name, little.dtype.str, list(little.shape)]))
        digest.update(little.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def fingerprint_of(weights: str, info: ModelInfo) -> str:
    """sha256 hex over the weights' digest, the preprocessing, the head, and how the network looks
    at pictures, where its recipe says more about that than weights can tell."""
    parts = [weights, info.preprocessing.to_json(), info.head.to_json(), *_looks(info.recipe)]
    return hashlib.sha256(_canonical(parts)).hexdigest()


def _looks(recipe: Json) -> list[object]:
    """Settings of a network that change its embeddings and none of its weights; [] where unset."""
    network = recipe.get("network")
    if not isinstance(network, dict):
        return []
    found: list[object] = [["smoothing", network["smoothing"]]] if network.get("smoothing") else []
    if network.get("closer"):
        found.append(["closer", network["closer"], network.get("closer_weight")])
    return found


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _dump(key: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as flaw:
        raise ModelFolderError(
            f"the model's {key} cannot be written as JSON ({flaw}); "
            "give plain numbers, text, lists and dicts"
        ) from flaw


def _parse(text: str, where: str) -> Json:
    def no_such_number(word: str) -> NoReturn:
        raise ValueError(f"{word} is no JSON number")

    try:
        content = json.loads(text, parse_constant=no_such_number)
    except (ValueError, RecursionError) as flaw:
        raise ModelFolderError(
            f"{where} is not valid JSON ({flaw}); copy or export the model folder again"
        ) from flaw
    if not isinstance(content, dict):
        raise ModelFolderError(
            f"{where} holds no JSON object; copy or export the model folder again"
        )
    return content


class _Fields:
    """Takes the keys of model.json one at a time, each of one type, and knows what is left."""

    def __init__(self, content: Json, where: str) -> None:
        self._left = dict(content)
        self._where = where

    def refuse(self, flaw: str) -> NoReturn:
        raise ModelFolderError(
            f"{self._where} is damaged: {flaw}; copy or export the model folder again"
        )

    def refuse_unknown(self) -> None:
        if self._left:
            self.refuse(f"unknown key {', '.join(sorted(self._left))}")

    def _take(self, key: str, wanted: type, called: str) -> Any:
        if key not in self._left:
            self.refuse(f"the key {key} is missing")
        value = self._left.pop(key)
        # bool is a subclass of int, yet `true` is no size.
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            self.refuse(f"{key} is {_json_kind(value)}, wanted {called}")
        return value

    def text(self, key: str) -> str:
        return str(self._take(key, str, "text"))

    def whole(self, key: str) -> int:
        return int(self._take(key, int, "a whole number"))

    def table(self, key: str) -> Json:
        return dict(self._take(key, dict, "an object"))

    def table_or_none(self, key: str) -> Json | None:
        if key in self._left and self._left[key] is None:
            return self._left.pop(key)  # type: ignore[no-any-return]
        return self.table(key)

    def tables(self, key: str) -> tuple[Json, ...]:
        rows = self._take(key, list, "a list of objects")
        if not all(isinstance(row, dict) for row in rows):
            self.refuse(f"{key} holds something else than objects")
        return tuple(rows)

    def digest(self, key: str) -> str:
        value = self.text(key)
        if not _is_digest(value):
            self.refuse(f"{key} is no sha256 in hexadecimal")
        return value

    def file_digests(self, key: str) -> dict[str, str]:
        digests = self.table(key)
        if not all(_is_digest(value) for value in digests.values()):
            self.refuse(f"{key} holds something else than sha256 in hexadecimal")
        return digests

    def preprocessing(self) -> Preprocessing:
        content = self.table("preprocessing")
        try:
            return Preprocessing.from_json(content)
        except ModelFolderError as flaw:
            raise ModelFolderError(f"{self._where}: {flaw}") from flaw

    def head(self) -> Head:
        content = self.table("head")
        try:
            return head_from_json(content)
        except ModelFolderError as flaw:
            raise ModelFolderError(f"{self._where}: {flaw}") from flaw


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _json_kind(value: object) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "a truth value",
        type(None): "null",
    }
    return kinds[type(value)]
