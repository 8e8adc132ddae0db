"""Every page, walked as a person would; the fixture `visit` also looks for errors and strangers."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.app.web.conftest import PATIENCE_MS, Site, Visit, stroke, visiting
from tests.drawings import drawing

expect.set_options(timeout=PATIENCE_MS)

ZIG = [(0.25, 0.2), (0.75, 0.25), (0.3, 0.55), (0.75, 0.8)]
ZIG_AGAIN = [(0.27, 0.22), (0.74, 0.24), (0.31, 0.57), (0.77, 0.78)]
CROSS = [(0.2, 0.5), (0.8, 0.5), (0.5, 0.5), (0.5, 0.15), (0.5, 0.9)]
BOARD = "[data-drawing] canvas"
DROP = """(well, [bytes, name]) => {
    const carrier = new DataTransfer();
    carrier.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    well.dispatchEvent(new DragEvent("drop", { dataTransfer: carrier, bubbles: true }));
}"""
PASTE = """([bytes, name]) => {
    const carrier = new DataTransfer();
    carrier.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carrier }));
}"""


def test_a_symbol_drawn_once_and_named_is_known_when_it_is_drawn_again(visit: Visit) -> None:
    page = visit.page
    visit.go("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Show it once. It knows it again.")
    stroke(page, ZIG, BOARD)
    heard = page.locator("#heard")
    expect(heard).to_contain_text("What is it called?")
    page.get_by_label("Its name").fill("zig")
    page.get_by_role("button", name="Remember it").click()
    expect(heard).to_contain_text("Got it: zig. Now draw it again.")
    stroke(page, ZIG_AGAIN, BOARD)
    expect(heard.locator(".says")).to_have_text("This is zig.")
    page.get_by_role("button", name="Clear").click()
    stroke(page, CROSS, BOARD)
    expect(heard.locator(".says")).to_have_text("I have not seen this before.")
    page.get_by_label("Its name").fill("cross")
    page.get_by_role("button", name="Remember it").click()
    expect(heard).to_contain_text("Got it: cross.")
    stroke(page, ZIG_AGAIN, BOARD)
    expect(heard.locator(".says")).to_have_text("This is zig.")
    visit.keep("draw")


def _give(page: Page, path: str, well: str = "#picture") -> None:
    page.set_input_files(well, path)


def test_a_picture_is_named_explained_confirmed_and_the_word_taken_back(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    _give(page, visit.picture("3-1"))
    answer = page.locator("#answer")
    expect(answer.locator(".says")).to_have_text("This is figure 3.")
    expect(answer).to_contain_text("sure that the name is right")
    expect(answer).to_contain_text("of strangers' pictures get a name")
    expect(answer.get_by_role("img", name="figure 3: distance")).to_be_visible()
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_alt_text("your picture: what makes it figure 3")).to_be_visible()
    expect(page.get_by_alt_text("figure 3, as it was enrolled")).to_be_visible()
    visit.keep("recognise")
    page.get_by_role("button", name="Right", exact=True).click()
    expect(page.locator("#word")).to_contain_text("Noted: this is figure 3.")
    page.locator("#word").get_by_role("button", name="Undo").click()
    expect(page.locator("#word")).to_contain_text("Taken back")


def test_a_stranger_is_unknown_and_can_be_told_its_name(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    _give(page, visit.picture("9-0"))
    expect(page.locator("#answer .says")).to_have_text("This is none of the 8 things here.")
    page.get_by_label("It is …").fill("newcomer")
    page.get_by_role("button", name="Tell it").click()
    word = page.locator("#word")
    expect(word).to_contain_text("newcomer, which is new here")
    word.get_by_role("button", name="Undo").click()
    expect(word).to_contain_text("Taken back")
    _give(page, visit.picture("9-1"))
    expect(page.locator("#answer .says")).to_have_text("This is none of the 8 things here.")


def test_what_is_here_for_certain_is_never_unknown(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    _give(page, visit.picture("9-0"))
    answer = page.locator("#answer")
    expect(answer.locator(".word")).to_have_text("unknown")
    page.get_by_label("It is one of the 8 things for certain").check()
    expect(answer.locator(".says")).to_have_text(re.compile(r"^This (is|may be) figure \d\.$"))
    expect(answer).to_contain_text("if it is one of the 8 things here")
    page.get_by_label("It is one of the 8 things for certain").uncheck()
    expect(answer.locator(".word")).to_have_text("unknown")


def test_a_wrong_name_can_be_denied(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    _give(page, visit.picture("5-2"))
    page.get_by_role("button", name="Not this one").click()
    word = page.locator("#word")
    expect(word).to_contain_text("Noted: this is none of the things here.")
    word.get_by_role("button", name="Undo").click()
    expect(word).to_contain_text("Taken back")


def test_a_picture_may_be_dropped_or_pasted(visit: Visit) -> None:
    page = visit.page
    says = page.locator("#answer .says")
    visit.go("/g/figures/recognise")
    dropped = list((visit.site.pictures / "2-1.png").read_bytes())
    page.locator("[data-well]").evaluate(DROP, [dropped, "2-1.png"])
    expect(says).to_have_text("This is figure 2.")
    pasted = list((visit.site.pictures / "6-1.png").read_bytes())
    page.evaluate(PASTE, [pasted, "6-1.png"])
    expect(says).to_have_text("This is figure 6.")


def test_a_picture_may_be_photographed(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    page.get_by_role("button", name="Photograph").click()
    page.get_by_role("button", name="Take it").click()
    # Chromium's fake camera shows a moving pattern: any answer will do, as long as there is one.
    expect(page.locator("#answer .says")).to_be_visible()


def test_a_picture_may_be_drawn(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    page.get_by_role("button", name="Draw").click()
    stroke(page, CROSS, "#drawing-dialog canvas")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#answer .says")).to_be_visible()


def test_what_is_no_picture_is_told_in_one_sentence(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/recognise")
    _give(page, visit.picture("broken"))
    expect(page.get_by_role("alert")).to_contain_text("broken.png")
    visit.complaints.clear()  # the browser notes that the answer was an error


def test_two_pictures_are_compared(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/compare")
    _give(page, visit.picture("1-0"), "#a")
    _give(page, visit.picture("1-1"), "#b")
    says = page.locator("#answer .says")
    expect(says).to_have_text("These show the same.")
    expect(page.locator("#answer .scale")).to_be_visible()
    _give(page, visit.picture("4-1"), "#b")
    expect(says).to_have_text("These are different.")
    visit.keep("compare")


def test_look_alikes_come_nearest_first(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/look-alikes")
    _give(page, visit.picture("7-1"))
    tiles = page.locator("#answer .tiles li")
    expect(tiles).to_have_count(5)
    expect(tiles.first).to_contain_text("1. figure 7")
    page.get_by_label("How many").select_option("10")
    expect(tiles).to_have_count(8)
    visit.keep("look-alikes")


def test_the_slider_tells_what_strictness_costs(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/model")
    slider = page.get_by_label("Strangers' pictures that may get a name")
    expect(page.locator('[data-say="share"]')).to_have_text("1\u00a0%")
    visit.keep("model")
    strict = page.locator('[data-say="threshold"]').inner_text()
    slider.press("End")
    expect(page.locator('[data-say="share"]')).to_have_text("20\u00a0%")
    assert float(page.locator('[data-say="threshold"]').inner_text()) > float(strict)
    page.get_by_text("The model card").click()
    expect(page.get_by_role("heading", name="How it was trained")).to_be_visible()


def test_things_are_enrolled_renamed_moved_merged_forgotten_and_brought_back(
    visit: Visit,
) -> None:
    page = visit.page
    visit.go("/g/photos/things")
    expect(page.locator("main")).to_contain_text("one photo of a thing is enough")
    _enroll(page, visit, "wug", ["8-0"])
    _enroll(page, visit, "dax", ["9-0"])
    visit.go("/g/photos/things")
    page.get_by_role("link", name="wug 1 photo").click()
    page.get_by_label("Another name").fill("blicket/&? 1")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("blicket/&? 1")
    page.get_by_label("It is the same as").fill("dax")
    page.get_by_role("button", name="Merge into that").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("dax")
    expect(page.locator(".photo")).to_have_count(2)
    page.locator(".photo").first.get_by_text("Change").click()
    page.locator(".photo").first.get_by_label("It shows").fill("toma")
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("toma")
    page.get_by_role("button", name="Take it out").last.click()
    expect(page.locator("#grid .tile")).to_have_count(1)
    page.wait_for_load_state()  # a form sent before the page's script runs gets a page of its own
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("Taken back: removed 'toma'")
    visit.go("/g/photos/thing?name=toma")
    page.get_by_label("Erase it for good").check()
    page.get_by_role("button", name="Forget").click()
    expect(page.locator("#grid .tile")).to_have_count(1)


def _enroll(page: Page, visit: Visit, name: str, pictures: list[str]) -> None:
    """Through the doctor's advice, where there is any."""
    visit.go("/g/photos/things")
    form = page.locator("[data-enroll]")
    if not form.is_visible():
        page.get_by_text("Show it something new").click()
    _give(page, visit.picture(pictures[0]), "#pictures")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Enroll", exact=True).click()
    anyway = page.get_by_role("button", name="Save those ticked")
    saved = page.get_by_text(f"saved as {name}")
    expect(anyway.or_(saved)).to_be_visible()
    if anyway.is_visible():
        anyway.click()
    expect(saved).to_be_visible()


def test_the_doctor_speaks_before_anything_is_saved(visit: Visit) -> None:
    page = visit.page
    visit.go("/g/figures/things")
    page.get_by_text("Show it something new").click()
    _give(page, visit.picture("1-1"), "#pictures")
    page.locator("[data-enroll]").get_by_label("Name").fill("impostor")
    page.get_by_role("button", name="Enroll", exact=True).click()
    expect(page.locator("#enrolled")).to_contain_text("Not saved yet.")
    expect(page.locator("#enrolled")).to_contain_text("figure 1")
    visit.keep("things")
    visit.go("/g/figures/things?containing=impostor")
    expect(page.locator("#grid")).to_contain_text("Nothing here is called like")


def test_a_folder_is_enrolled_with_a_result_for_each_file(visit: Visit, tmp_path: Path) -> None:
    root = tmp_path / "many"
    for thing in range(20, 23):
        (root / f"kind {thing}").mkdir(parents=True)
        for variant in range(2):
            drawing(thing, variant).save(root / f"kind {thing}" / f"{variant}.png")
    (root / "kind 20" / "torn.png").write_bytes(b"no picture")
    page = visit.page
    visit.go("/g/photos/things")
    if not page.locator("[data-enroll]").is_visible():
        page.get_by_text("Show it something new").click()
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="A whole folder").click()
    chosen.value.set_files(root)
    expect(page.locator("#enrolled")).to_contain_text("6 of 7 pictures are in the gallery.")
    expect(page.locator("#enrolled .bad")).to_have_text("left out: cannot be read")
    expect(page.get_by_role("link", name="Show them")).to_be_visible()
    visit.go("/g/photos/things")
    page.get_by_label("Search by name").fill("KIND 21")
    expect(page.locator("#grid .tile")).to_have_count(1)
    expect(page.locator("#grid")).to_contain_text("2 photos")


def test_forms_answer_without_scripts_too(browser: Browser, site: Site) -> None:
    with visiting(browser, site, java_script_enabled=False) as visit:
        page = visit.page
        visit.go("/g/figures/recognise")
        _give(page, visit.picture("3-1"))
        page.get_by_role("button", name="Recognise", exact=True).click()
        expect(page.locator(".says")).to_have_text("This is figure 3.")
        page.get_by_role("button", name="Right", exact=True).click()
        expect(page.locator("main")).to_contain_text("Noted: this is figure 3.")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("main")).to_contain_text("Taken back")
        visit.go("/g/figures/things?containing=figure+6")
        expect(page.locator("#grid .tile")).to_have_count(1)


def test_on_a_locked_server_too_forms_change_things_without_scripts(
    browser: Browser, locked_site: Site
) -> None:
    with visiting(browser, locked_site, java_script_enabled=False) as visit:
        page = visit.page
        visit.go("/login")
        page.get_by_label("Key").fill(locked_site.key)
        page.get_by_role("button", name="Sign in").click()
        visit.go("/g/figures/recognise")
        _give(page, visit.picture("3-1"))
        page.get_by_role("button", name="Recognise", exact=True).click()
        page.get_by_role("button", name="Right", exact=True).click()
        expect(page.locator("main")).to_contain_text("Noted: this is figure 3.")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("main")).to_contain_text("Taken back")


def test_a_locked_server_is_entered_with_a_key_and_left_again(
    browser: Browser, locked_site: Site
) -> None:
    with visiting(browser, locked_site) as visit:
        page = visit.page
        visit.go("/g/figures/recognise")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.get_by_label("Key").fill("not a key")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("not known here")
        visit.complaints.clear()  # the browser notes the 401
        page.get_by_label("Key").fill(locked_site.key)
        page.get_by_role("button", name="Sign in").click()
        visit.go("/g/figures/recognise")
        _give(page, visit.picture("3-1"))
        expect(page.locator("#answer .says")).to_have_text("This is figure 3.")
        page.locator(".menu summary").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
