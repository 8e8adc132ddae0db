"""Cereal boxes on shelves, and a catalogue picture of each product, as a set for other benchmarks.

    python benchmarks/cereals.py IMAGES OUT   # the folder `images` of the repository below

From https://github.com/RandomNoobster/Product-Recognition-on-Store-Shelves, the exercise of a
course at the University of Bologna: 27 catalogue pictures, of which two are one file, and scenes.
Most products have sisters: the same print in other colours, with another word or another bowl.
Written are OUT/catalogue (26 products) and OUT/shelves (37 boxes of seven of them, a folder a
product), each box cut from a scene as marked by hand, with a little of what is around it. No
licence is stated; the pictures are looked at, and none of them is kept here.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image

AROUND = 0.06  # of the longer side
QUALITY = 90

CIOCCOMILK, DUO = "nesquik_cioccomilk", "nesquik_duo_cioccolatio_bianco"
NUTS, MILK = "choco_krave_nocciole", "choco_krave_cioccolato"
FITNESS, COCO, CRISP = "fitness", "coco_pops_palline", "country_crisp_nuts"

# Left, top, right and bottom in pixels.
BOXES: dict[str, list[tuple[str, int, int, int, int]]] = {
    "e1.png": [(CIOCCOMILK, 0, 0, 320, 440), (NUTS, 320, 0, 600, 400)],
    "e2.png": [(FITNESS, 0, 0, 340, 462), (DUO, 372, 0, 705, 462), (COCO, 718, 8, 1044, 460)],
    "e3.png": [
        (CIOCCOMILK, 0, 15, 335, 453),
        (NUTS, 335, 18, 637, 425),
        (MILK, 640, 20, 985, 440),
    ],
    "e4.png": [
        (DUO, 37, 0, 380, 445),
        (COCO, 390, 0, 714, 445),
        (CIOCCOMILK, 0, 520, 325, 956),
        (NUTS, 325, 525, 625, 925),
    ],
    "e5.png": [(COCO, 0, 0, 325, 460), (CRISP, 350, 0, 655, 378)],
    "m1.png": [
        (FITNESS, 0, 0, 365, 463),
        (FITNESS, 380, 0, 725, 463),
        (DUO, 750, 0, 1090, 463),
        (COCO, 1095, 15, 1424, 463),
    ],
    "m2.png": [
        (CIOCCOMILK, 0, 78, 355, 530),
        (NUTS, 355, 80, 675, 490),
        (MILK, 685, 80, 1015, 510),
        (MILK, 1015, 80, 1340, 510),
    ],
    "m3.png": [
        (DUO, 0, 0, 375, 458),
        (COCO, 390, 0, 730, 455),
        (COCO, 735, 0, 1050, 455),
        (CRISP, 1075, 0, 1385, 380),
    ],
    "m4.png": [
        (FITNESS, 0, 0, 355, 440),
        (FITNESS, 370, 0, 725, 440),
        (DUO, 755, 0, 1095, 440),
        (COCO, 1110, 0, 1435, 440),
        (COCO, 1435, 0, 1755, 440),
    ],
    "m5.png": [
        (COCO, 65, 5, 405, 460),
        (COCO, 405, 5, 735, 460),
        (CRISP, 752, 0, 1060, 380),
        (NUTS, 5, 545, 325, 955),
        (MILK, 335, 545, 670, 970),
        (MILK, 672, 545, 995, 970),
    ],
}


def main() -> None:
    images, out = map(Path, sys.argv[1:])
    (out / "catalogue").mkdir(parents=True)
    for model in sorted((images / "models").glob("*.jpg")):
        if model.stem != "special_k_classic_2":  # the same file as special_k_classic_1
            shutil.copy(model, out / "catalogue")
    for name, boxes in BOXES.items():
        scene = Image.open(images / "scenes" / name).convert("RGB")
        for number, (product, left, top, right, bottom) in enumerate(boxes):
            around = int(AROUND * max(right - left, bottom - top))
            box = (
                max(0, left - around),
                max(0, top - around),
                min(scene.width, right + around),
                min(scene.height, bottom + around),
            )
            folder = out / "shelves" / product
            folder.mkdir(parents=True, exist_ok=True)
            place = folder / f"{Path(name).stem}_{number}.jpg"
            scene.crop(box).save(place, quality=QUALITY)


if __name__ == "__main__":
    main()
