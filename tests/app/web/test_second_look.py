"""The page tells of places that agree, and marks them where it is asked why."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from firstsight.app.web.telling import RATES_OF_THE_FIRST, places_told
from firstsight.recognition.recognizer import Recognizer
from tests.app.http.serving import serving
from tests.keypoints.prints import photographed, printed


def test_places_are_told_where_they_counted() -> None:
    assert places_told(None, 0.0) == []
    assert places_told(1.7, 0.0) == []  # as many may agree by chance
    (sentence,) = places_told(12.4, 0.3456)
    assert sentence == (
        "12 places near the middle of both pictures agree, and with no other thing: that brings it "
        "nearer by 0.346."
    )


def test_an_answer_on_the_page_says_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path))
    with Recognizer.open("photos") as recognizer:
        for number in range(3):
            recognizer.enroll(f"cover {number}", printed(number))
    stream = BytesIO()
    photographed(printed(1), 1).save(stream, "PNG")
    with serving(tmp_path, galleries=["photos"]) as server, server.client() as client:
        files = {"picture": ("asked.png", stream.getvalue())}
        page = client.post("/g/photos/recognise", files=files, headers={"Origin": server.url})
        assert page.status_code == 200, page.text
        told = re.sub(r"\s+", " ", page.text)
        assert re.search(r"\d+ places near the middle of both pictures agree", told)
        assert RATES_OF_THE_FIRST in told
