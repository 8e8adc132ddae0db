"""A second look over HTTP: the answers are Python's, and others need not wait for it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from firstsight.recognition.recognizer import Recognizer
from tests.app.http.serving import serving
from tests.keypoints.prints import photographed, printed


def png_of(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def test_photographs_get_a_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path))
    with Recognizer.open("photos") as recognizer:
        for number in range(3):
            recognizer.enroll(f"cover {number}", printed(number))
        asked = [png_of(photographed(printed(number), number)) for number in range(3)]
        answers = [recognizer.identify(each) for each in asked]
        closed = [
            recognizer.answer(each.asked.reading, each.asked.vector, closed_set=True)
            for each in answers
        ]
        matches = recognizer.search(asked[0], 3)
        compared = recognizer.verify(asked[0], png_of(printed(0)))
    files = [("files", (f"{number}.png", each)) for number, each in enumerate(asked)]
    with serving(tmp_path, galleries=["photos"]) as server, server.client() as client:
        for expected, data in ((answers, {}), (closed, {"closed_set": "true"})):
            said = client.post("/v1/galleries/photos/identify", files=files, data=data).json()
            for each, answer in zip(said["answers"], expected, strict=True):
                assert (each["decision"], each["thing"]) == (
                    answer.decision,
                    answer.thing or "unknown",
                )
                assert each["distance"] == pytest.approx(answer.distance, abs=1e-4)
                assert each["nearest"]["agreeing"] == pytest.approx(
                    answer.nearest.agreeing, abs=1e-4
                )
        found = client.post("/v1/galleries/photos/search", files=files[:1], data={"k": "3"}).json()
        for each, match in zip(found["matches"], matches, strict=True):
            assert (each["thing"], each["agreeing"]) == (
                match.thing,
                pytest.approx(match.agreeing, abs=1e-4),
            )
        two = [files[0], ("files", ("cover.png", png_of(printed(0))))]
        said = client.post("/v1/galleries/photos/verify", files=two).json()
        assert said["same"] == compared.same
        assert said["distance"] == pytest.approx(compared.distance, abs=1e-4)


def test_a_server_can_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(tmp_path))
    with Recognizer.open("photos") as recognizer:
        recognizer.enroll("cover", printed(0))
    asked = ("files", ("stranger.png", png_of(Image.radial_gradient("L").convert("RGB"))))
    two = [asked, ("files", ("cover.png", png_of(printed(0))))]
    told = []
    for second_look in (True, False):
        with (
            serving(tmp_path, galleries=["photos"], second_look=second_look) as server,
            server.client() as client,
        ):
            here = "/v1/galleries/photos"
            answer = client.post(f"{here}/identify", files=[asked]).json()["answers"][0]
            match = client.post(f"{here}/search", files=[asked]).json()["matches"][0]
            compared = client.post(f"{here}/verify", files=two).json()
            told.append([each["agreeing"] for each in (answer["nearest"], match, compared)])
    assert None not in told[0]
    assert told[1] == [None, None, None]
