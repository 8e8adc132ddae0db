"""The report as a whole, on real drawings of a model that never saw them."""

from __future__ import annotations

import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

import firstsight
from firstsight.errors import UsageError
from firstsight.evaluation.scorecard import Scorecard
from tests.command import here
from tests.drawings import drawing

VOID = {"meta", "img", "br", "link", "hr"}
HOSTILE = "<script>alert('x')</script>&\"'"


class Strict(HTMLParser):
    """Checks that every element is closed where it should be, and gathers what is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Strict:
    reader = Strict()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def on_omniglot(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Scorecard]:
    """Of eight characters of one unseen alphabet, eight drawings each."""
    folder = tmp_path_factory.mktemp("characters")
    with zipfile.ZipFile(data_root / "omniglot" / "images_evaluation.zip") as archive:
        for name in archive.namelist():
            found = re.search(r"Angelic/character(0[1-8])/\d+_(0[1-8])\.png$", name)
            if found:
                place = folder / "angelic" / f"c{found[1]}" / f"{found[2]}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.read(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRSTSIGHT_CACHE", str(folder / "cache"))
        patch.setenv("FIRSTSIGHT_DATA", str(folder / "none"))  # what was learned is not at hand
        card = firstsight.evaluate(
            "characters",
            protocol="nway",
            data=folder / "angelic",
            n_way=5,
            n_trials=1000,
            report=folder / "report.html",
        )
    return (folder / "report.html").read_text("utf-8"), card


def test_the_page_is_well_formed_and_has_every_part(on_omniglot: tuple[str, Scorecard]) -> None:
    page = parsed(on_omniglot[0])
    ids = {attributes.get("id") for tag, attributes in page.seen if tag == "section"}
    assert ids >= {"figures", "apart", "shots", "confused", "worst", "alike", "map", "data", "how"}
    for title in ("Distances", "ROC", "DET", "Are its probabilities true?"):
        assert title in page.text
    # On paper nobody scrolls to a picture.
    assert not any("loading" in attributes for _, attributes in page.seen)


def test_its_figures_are_the_scorecards(on_omniglot: tuple[str, Scorecard]) -> None:
    html, card = on_omniglot
    text = " ".join(parsed(html).text.split())
    low, high = card.interval
    assert f"{100 * card.value:.2f} % accuracy" in text
    assert f"95 % interval {100 * low:.1f} to {100 * high:.1f} %" in text
    assert "raw pixels" in text
    assert "a constant" in text


def test_every_plot_says_how_it_came_about(on_omniglot: tuple[str, Scorecard]) -> None:
    html, card = on_omniglot
    lines = re.findall(r'<p class="provenance">(.*?)</p>', html, re.S)
    assert len(lines) >= 11
    for line in lines:
        for told in ("protocol", "seed", card.data_fingerprint[:8], "commit", card.hardware):
            assert told in line
        assert str(card.model_fingerprint)[:8] in line


def test_nothing_outside_the_page_is_named(on_omniglot: tuple[str, Scorecard]) -> None:
    html, _ = on_omniglot
    assert "://" not in html
    for _, attributes in parsed(html).seen:
        for key in ("src", "href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:image/", "#"))


def test_every_picture_has_a_name_and_every_link_a_target(
    on_omniglot: tuple[str, Scorecard],
) -> None:
    page = parsed(on_omniglot[0])
    ids = {attributes.get("id") for _, attributes in page.seen}
    for tag, attributes in page.seen:
        assert tag != "img" or attributes.get("alt")
        assert tag != "a" or str(attributes["href"])[1:] in ids
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


def test_names_of_files_stay_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "none"))
    for thing in range(6):
        # A file name holds no slash.
        folder = tmp_path / "things" / f"{HOSTILE.replace('/', '')}{thing}"
        folder.mkdir(parents=True)
        for variant in range(4):
            drawing(thing, variant).save(folder / f"{variant}.png")
    firstsight.evaluate(
        "characters",
        protocol="nway",
        data=tmp_path / "things",
        n_way=4,
        n_trials=1000,
        report=tmp_path / "report.html",
    )
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(" in html
    parsed(html)


def test_too_few_things_for_pairs_leave_their_part_out(tmp_path: Path) -> None:
    for thing in range(3):
        (tmp_path / "things" / f"{thing}").mkdir(parents=True)
        for variant in range(4):
            drawing(thing, variant).save(tmp_path / "things" / f"{thing}" / f"{variant}.png")
    asked = (
        *("evaluate", "characters", "--data", tmp_path / "things", "--n-way", "3"),
        *("--trials", "100", "--json", "--protocol", "nway"),
    )
    ended = here(*asked, "--report", tmp_path / "report.html")
    assert ended.code == 0
    assert {row["protocol"] for row in json.loads(ended.out)} == {"nway"}
    reason = (
        "verification halves the classes, and each half needs two classes, one of them with two "
        "pictures; four such classes are enough; here 3 of 3 classes have two pictures"
    )
    assert f"the report goes without same or different: {reason}" in ended.err
    page = parsed((tmp_path / "report.html").read_text("utf-8"))
    ids = {attributes.get("id") for tag, attributes in page.seen if tag == "section"}
    assert "apart" not in ids
    assert ids >= {"figures", "confused", "worst", "alike", "map", "data", "how"}
    links = {attributes.get("href") for tag, attributes in page.seen if tag == "a"}
    assert "#apart" not in links
    for more in ((), ("--report", tmp_path / "other.html")):
        refused = here(*asked, "--protocol", "verification", *more)
        assert refused.code == 1
        assert reason in refused.err
        assert "look again at" not in refused.err  # as nothing was judged
    assert not (tmp_path / "other.html").exists()


def test_a_report_goes_to_a_page() -> None:
    with pytest.raises(UsageError, match=r"ends in \.html"):
        firstsight.evaluate("characters", report="report.pdf")
