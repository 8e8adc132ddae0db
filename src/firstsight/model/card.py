"""The model card: a model folder's README.md, rendered from model.json alone.

A scorecard is a dict; the table reads `protocol`, `measure`, `value`, `interval` ([low, high]),
`n`, `data_fingerprint` and `commit` from it and leaves a dash where one is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from firstsight.model.info import ModelInfo

__all__ = ["render_card"]


def render_card(info: ModelInfo) -> str:
    """The card's Markdown: what the model is, how it was made, what it scores, how to use it.

    Absolute paths are cut to their last part, so that no card tells of somebody's machine.
    """
    sections = [
        ("", _what_it_is(info)),
        ("How it was trained", _how_trained(info)),
        ("From picture to distance", _from_picture_to_distance(info)),
        ("Scores", _scores(info.scores)),
        ("How to use it", _how_to_use(info)),
        ("Licence and data", _licence(info)),
        ("Limits", _limits(info)),
    ]
    parts = [f"## {title}\n\n{body}" if title else body for title, body in sections]
    return "\n\n".join(parts) + "\n"


def _what_it_is(info: ModelInfo) -> str:
    same = info.recipe.get("same_means")
    meaning = (
        f'Two pictures are "same" here when: {_text(same)}'
        if same
        else 'What counts as "same" is what its training data called one class.'
    )
    return (
        f"# {_text(info.name)}\n\n"
        f"A firstsight model: a twin network that turns a picture into {info.embedding_size} "
        "numbers and two pictures into a distance, so that a thing can be recognised from one "
        f"picture of it.\n\n{meaning}\n\nFingerprint: `{info.fingerprint}`"
    )


def _how_trained(info: ModelInfo) -> str:
    recipe, made_by = info.recipe, info.made_by
    data = recipe.get("data")
    facts = {
        "recipe": recipe.get("name"),
        "data": data.get("train") if isinstance(data, Mapping) else data,
        "data fingerprint": info.data_fingerprint,
        "beside it": data.get("beside") if isinstance(data, Mapping) else None,
        "seed": made_by.get("seed"),
        "hardware": made_by.get("hardware"),
        "firstsight": made_by.get("firstsight"),
        "commit": made_by.get("commit"),
    }
    return _table(("", ""), [(key, _text(value)) for key, value in facts.items() if _said(value)])


def _from_picture_to_distance(info: ModelInfo) -> str:
    seen = info.preprocessing
    fits = {
        "squash": "squashed to a square",
        "crop": "cropped to its central square",
        "pad": "padded to a square",
        "ink": "made black on white and cut to a square frame around the ink",
    }
    steps = [
        f"- The picture is made {'grey' if seen.mode == 'grey' else 'RGB'}, "
        f"{fits.get(seen.fit, seen.fit)} of {seen.size} x {seen.size} pixels, and scaled to 0..1.",
        "- Ink becomes 1 and paper 0." if seen.invert else "",
        f"- Mean {_numbers(seen.mean)} is subtracted, "
        f"then it is divided by {_numbers(seen.deviation)}.",
        f"- The network gives an embedding of {info.embedding_size} numbers.",
        "- The last of them says how crowded the place is where the picture lies: how near the "
        "landmarks are, the centres of other things that the model was shown."
        if info.head.kind == "crowded_cosine"
        else "",
        f"- Two embeddings are compared by the head `{info.head.kind}`; lower is closer.",
        _calibrated(info.calibration),
    ]
    return "\n".join(step for step in steps if step)


def _calibrated(calibration: dict[str, Any] | None) -> str:
    if calibration is None:
        return "- Distances are not calibrated to probabilities."
    by = calibration.get("fitted_on", {})
    if not {"data", "classes", "pictures"} <= by.keys():
        return "- Distances are calibrated to probabilities."
    how = f"by {by['pictures']} pictures of {by['classes']} classes of {_text(by['data'])}"
    sisters = len(by.get("by_sisters", ()))
    whose = f", which {sisters} sisters of it held out" if sisters else ""
    return f"- Distances are calibrated to probabilities {how}{whose}."


def _scores(scores: tuple[dict[str, Any], ...]) -> str:
    if not scores:
        return "Not evaluated yet; run `firstsight evaluate` on this folder."
    rows = [
        (
            _text(score.get("protocol")),
            _text(score.get("measure")),
            _number(score.get("value")),
            _interval(score.get("interval")),
            _text(score.get("n")),
            _short(score.get("data_fingerprint")),
            _short(score.get("commit")),
        )
        for score in scores
    ]
    return _table(("protocol", "measure", "value", "interval", "n", "data", "commit"), rows)


def _how_to_use(info: ModelInfo) -> str:
    return (
        "```python\n"
        "import firstsight\n\n"
        'model = firstsight.load("path/to/this/folder")\n'
        'known = model.embed(["enrolled.png"])\n'
        'asked = model.embed(["query-1.png", "query-2.png"])\n'
        f"print(asked.shape)  # (2, {info.embedding_size})\n"
        "print(model.distance(asked, known))  # (2, 1), lower is closer\n"
        "```\n\n"
        "```sh\n"
        "firstsight evaluate path/to/this/folder\n"
        "```\n\n"
        "It needs firstsight and ONNX Runtime, not PyTorch. No file here is a pickle."
    )


def _licence(info: ModelInfo) -> str:
    credit = info.made_by.get("data_credit")
    said = f"Data: {_text(credit)}" if credit else "Nobody is named as the author of the data."
    licence = info.made_by.get("licence")
    ours = "Apache-2.0, like firstsight"
    if not licence:
        return f"The weights are under {ours}. {said}"
    credit = info.made_by.get("weights_credit")
    if credit and "published" not in info.made_by:
        under = f"under {ours}; they began with others under {_text(licence)}: {_text(credit)}."
    else:
        features = f" Features, as published: {_text(credit)}." if credit else ""
        under = f"under {_text(licence)}, as published.{features}"
    return f"The weights are {under} {said}"


def _limits(info: ModelInfo) -> str:
    own = info.recipe.get("limits")
    listed = [own] if isinstance(own, str) else list(own or [])
    general = [
        "The scores hold for the data and protocol that they name; other pictures may do worse.",
        "It sees one square picture of one thing; it does not find things inside a scene.",
        "It is no means to identify people or to decide about them.",
    ]
    return "\n".join(f"- {_text(limit)}" for limit in [*listed, *general])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return "Nothing was recorded."
    cells = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _said(value: object) -> bool:
    return value is not None and value != ""


def _text(value: object) -> str:
    """`value` on one line, safe inside a table, without the folders of absolute paths."""
    if not _said(value):
        return "–"
    line = " ".join(str(value).split())
    line = re.sub(r"(?<![\w./:])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\]+[/\\])+", "", line)
    return line.replace("|", "\\|")


def _short(value: object) -> str:
    return f"`{str(value)[:12]}`" if _said(value) else "–"


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _text(value)


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _interval(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) == 2:
        return f"{_number(value[0])} .. {_number(value[1])}"
    return _text(value)
