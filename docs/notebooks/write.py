"""Write docs/notebooks/one_shot.ipynb and run it, so that its outputs are real.

python docs/notebooks/write.py
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOK = Path(__file__).with_name("one_shot.ipynb")
CELLS: tuple[tuple[str, str], ...] = (
    (
        "text",
        """# Recognise a character from one drawing

Train a small twin network for a minute, judge it on alphabets that it never saw, show it one
drawing each of twenty new characters, and let it name other people's drawings of them. No GPU.""",
    ),
    (
        "code",
        """import importlib.util
import subprocess
import sys

if importlib.util.find_spec("firstsight") is None:  # as in Colab; here it may be there already
    subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", "firstsight[train]"])""",
    ),
    (
        "code",
        """import os

DATA = os.environ.get("ONE_SHOT_DATA", "omniglot:background")
STEPS = int(os.environ.get("ONE_SHOT_STEPS", "300"))  # the recipe takes 2,300
HELD_OUT = int(os.environ.get("ONE_SHOT_HELD_OUT", "6"))  # alphabets kept from the training""",
    ),
    (
        "text",
        """## Drawings

Omniglot: 964 characters of 30 alphabets, each drawn by 20 people. Where it can be neither found
nor downloaded, alphabets drawn by firstsight take its place.""",
    ),
    (
        "code",
        """from dataclasses import replace

import firstsight
from firstsight.data.catalogue import open_pictures
from firstsight.data.splits import hold_out
from firstsight.errors import DataUnavailable

seen_as = firstsight.load("characters").info.preprocessing
full_size = replace(seen_as, size=105, fit="squash")
try:
    drawings = open_pictures(DATA, full_size)
except DataUnavailable as reason:
    print(reason)
    DATA = "glyphs"
    drawings = open_pictures(DATA, full_size)
_, unseen = hold_out(drawings, n_groups=HELD_OUT, class_share=0, part=0, seed=0)
print(f"{drawings.name}: {len(drawings)} drawings of {drawings.n_classes} characters")
print("kept from the training:", ", ".join(unseen.group_names))""",
    ),
    (
        "text",
        """## Training

The recipe `compact`, shortened: half a minute on two free cores (the run kept here shared them).
At the end the model is calibrated on what was held out.""",
    ),
    (
        "code",
        """from pathlib import Path
from tempfile import mkdtemp

folder = Path(mkdtemp())
run = firstsight.train(
    "compact",
    data=DATA,
    out=folder / "run",
    overrides=[f"training.steps={STEPS}", f"data.held_out_groups={HELD_OUT}"],
)
print(f"{run.seconds:.0f} seconds")""",
    ),
    (
        "text",
        """## What is it worth?

Twenty characters of one alphabet, one drawing of each, and a drawing by somebody else: which is
it? Guessing is right in 5 % of trials. The same trials are put to the network before it learned,
to raw pixels, and to a network that says the same of everything.""",
    ),
    (
        "code",
        """from rich.console import Console

from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.judging import judge
from firstsight.app.trials import Trials

model = firstsight.load(run.model)
console = Console(quiet=True)
contestants = [
    Contestant("trained", model.embed_pixels, model.info.head),
    *baselines_of(model, console),
]
trials = Trials("nway", DATA, n_trials=2000, n_way=20, distinct_drawers=True)
cards = judge(contestants, model, trials, console)
for who, card in zip(contestants, cards, strict=True):
    low, high = card.interval
    print(f"{who.name:20s} {card.value:6.1%}   95 % interval {low:.1%} .. {high:.1%}")""",
    ),
    ("text", "## One drawing each\n\nTwenty characters of the alphabets that it never saw."),
    (
        "code",
        """import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
classes = rng.permutation(unseen.n_classes)[:20]
rows = [rng.permutation(np.flatnonzero(unseen.labels == each))[:6] for each in classes]
names = [unseen.class_names[each] for each in classes]


def drawing(row):
    return Image.fromarray(unseen.pixels[row][..., 0])


recognizer = firstsight.Recognizer.open(folder / "gallery", model=run.model)
for name, row in zip(names, rows, strict=True):
    recognizer.enroll(name, drawing(row[0]))
print(recognizer.estimate().kept)""",
    ),
    (
        "text",
        """## Who is it?

Five other drawings of each. A name is given only where the drawing lies within the threshold for
1 % false accepts; the sheet shows what each one comes nearest to.""",
    ),
    (
        "code",
        """from collections import Counter

from firstsight.drawing.sheet import SheetQuery, SheetRow, identification_sheet

answers = [[recognizer.identify(drawing(each)) for each in row[1:]] for row in rows]
print(Counter(answer.decision for row in answers for answer in row))
identification_sheet(
    [
        SheetRow(
            name,
            drawing(row[0]),
            [
                SheetQuery(drawing(at), each.nearest.thing)
                for at, each in zip(row[1:], told, strict=True)
            ],
        )
        for name, row, told in zip(names, rows, answers, strict=True)
    ],
    title="Recognised from one drawing",
    subtitle="left: the one enrolled; right: other people's",
)""",
    ),
    ("text", "## Why?\n\nEach part of the drawing is hidden in turn: what does the distance do?"),
    (
        "code",
        """from firstsight.app.picturing import explain
from firstsight.drawing.why import why_sheet

asked = recognizer.read(drawing(rows[0][1]))
why_sheet(explain(recognizer, asked, recognizer.identify(asked)))""",
    ),
    (
        "text",
        """On your own pictures: [quickstart](../quickstart.md). What the words mean:
[concepts](../concepts.md).""",
    ),
)


def notebook() -> nbformat.NotebookNode:
    """Without outputs. Cells are numbered, where nbformat would name them at random."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(metadata={"kernelspec": kernel})
    for number, (kind, text) in enumerate(CELLS):
        cell = new_markdown_cell(text) if kind == "text" else new_code_cell(text)
        cell["id"] = f"cell-{number:02d}"
        made.cells.append(cell)
    return made


def worth_keeping(output: nbformat.NotebookNode) -> bool:
    """Not what was said on the way; of a picture one copy is enough."""
    output.get("data", {}).pop("image/jpeg", None)
    return output.get("name") == "stdout" or "image/png" in output.get("data", {})


def main() -> None:
    made = notebook()
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as place:
        NotebookClient(made, timeout=1800, resources={"metadata": {"path": place}}).execute()
    for cell in made.cells:
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = [each for each in cell["outputs"] if worth_keeping(each)]
    made.metadata.pop("language_info", None)
    nbformat.write(made, NOTEBOOK)


if __name__ == "__main__":
    main()
