"""How much a server of `firstsight serve` answers, and how quickly, with 1,000 photos enrolled.

    python benchmarks/serving.py

Load generator (plain sockets on asyncio: ready-made clients cost more than the server) and server
share the cores of the machine; the bare embedder has them for itself. Prints saturation against
the bare embedder's rate, with the processor time that each takes and the rate at which both cores
would be full of it; latencies of an open loop at half of it; what becomes of three times as much,
with writes among it; and the server's memory over 10,000 requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from firstsight.model.embedder import load

SERVE = """
import sys
from firstsight.app.cli.main import run
sys.argv[0] = "firstsight"
run()
"""
N_THINGS, N_PHOTOS = 500, 1000
LOADED_S = 5


def drawing(thing: int, variant: int) -> bytes:
    """A figure of four strokes, the same for one thing but for a tremble of the hand; PNG."""
    corners = np.random.default_rng(thing).uniform(15, 90, (5, 2))
    hand = np.random.default_rng([thing, variant]).normal(0, 2.0, (5, 2))
    page = Image.new("L", (105, 105), 255)
    ImageDraw.Draw(page).line([(float(x), float(y)) for x, y in corners + hand], fill=0, width=3)
    stream = BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def form(pictures: list[bytes], **fields: str) -> tuple[str, bytes]:
    """Content type and body."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for number, data in enumerate(pictures):
        head = f'--b\r\nContent-Disposition: form-data; name="picture"; filename="{number}.png"'
        parts.append(head.encode() + b"\r\n\r\n" + data + b"\r\n")
    return "multipart/form-data; boundary=b", b"".join(parts) + b"--b--\r\n"


def request(path: str, sent: tuple[str, bytes], key: str = "") -> bytes:
    kind, body = sent
    named = f"Idempotency-Key: {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{named}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes) -> tuple[int, bytes]:
        if self._streams is None or self._streams[0].at_eof():  # an idle one is closed after 5 s
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head.lower():
            writer.close()
            self._streams = None
        return int(head[9:12]), body

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()


async def closed_loop(port: int, sent: list[bytes], lines: int, seconds: float) -> float:
    """Requests answered with 200 a second, each line asking anew as soon as it is answered."""
    end = time.perf_counter() + seconds
    n_good = 0

    async def work(number: int) -> None:
        nonlocal n_good
        line, choose = Line(port), random.Random(number)
        while time.perf_counter() < end:
            status, _ = await line.ask(choose.choice(sent))
            n_good += status == 200
        line.close()

    await asyncio.gather(*(work(number) for number in range(lines)))
    return n_good / seconds


async def open_loop(
    port: int, make: list[bytes], rate: float, seconds: float, writes: list[bytes] | None = None
) -> tuple[list[tuple[float, float, int]], dict[int, int]]:
    """Requests sent when a Poisson clock says so, answered or not.

    Gives (sent at, latency in s, status) of each question, and the status of each write.
    """
    clock, idle = random.Random(0), [Line(port) for _ in range(8)]
    done: list[tuple[float, float, int]] = []
    written: dict[int, int] = {}
    tasks = []

    async def one(due: float, sent: bytes, number: int | None) -> None:
        line = idle.pop() if idle else Line(port)
        status, _ = await line.ask(sent)
        if number is None:
            done.append((due - start, time.perf_counter() - due, status))
        else:
            written[number] = status
        idle.append(line)

    start = due = time.perf_counter()
    waiting = list(enumerate(writes or []))
    next_write = start
    while due < start + seconds:
        due += clock.expovariate(rate)
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, clock.choice(make), None)))
        if waiting and due >= next_write:
            next_write += 0.1
            number, sent = waiting.pop(0)
            tasks.append(asyncio.create_task(one(due, sent, number)))
    await asyncio.gather(*tasks)
    for line in idle:
        line.close()
    return done, written


def told(latencies: list[float]) -> str:
    p50, p99 = (1e3 * float(np.percentile(latencies, each)) for each in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, n {len(latencies)}"


def processor_s(process: subprocess.Popen[str]) -> float:
    """What the server took since it started, in all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def saturation_of(
    process: subprocess.Popen[str], port: int, sent: list[bytes], lines: int, pictures: int
) -> tuple[float, str]:
    """Pictures answered a second, and where the processor's time went."""
    server, generator = processor_s(process), time.process_time()
    rate = pictures * await closed_loop(port, sent, lines, LOADED_S)
    n = rate * LOADED_S / 1e3
    server, generator = (processor_s(process) - server) / n, (time.process_time() - generator) / n
    cores = len(os.sched_getaffinity(0))
    return rate, (
        f"{server:.2f} ms of the server's and {generator:.2f} ms of the generator's processor time "
        f"a picture: {1e3 * cores / (server + generator):.0f}/s with {cores} cores full"
    )


def memory_mib(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def measure(port: int, process: subprocess.Popen[str], bare: float) -> None:
    asked = [request("/v1/identify", form([drawing(thing, 9)])) for thing in range(100)]
    await closed_loop(port, asked, 16, 1)
    saturation, told_of = await saturation_of(process, port, asked, 16, 1)
    print(f"saturation, one picture a request: {saturation:.0f}/s, {saturation / bare:.2f} of bare")
    print(f"  {told_of}")
    many = [
        request("/v1/identify", form([drawing(16 * n + each, 9) for each in range(16)]))
        for n in range(10)
    ]
    together, told_of = await saturation_of(process, port, many, 4, 16)
    print(f"sixteen pictures a request: {together:.0f}/s, {together / bare:.2f} of bare")
    print(f"  {told_of}")
    done, _ = await open_loop(port, asked, saturation / 2, 8)
    good = [each[1] for each in done if each[2] == 200]
    print(f"open loop at half of saturation: {told(good)}; others {len(done) - len(good)}")
    place = "/v1/galleries/characters"
    writes = [
        request(f"{place}/photos", form([drawing(5000 + n, 0)], thing=f"w {n}"), key=f"w {n}")
        for n in range(60)
    ]
    done, written = await open_loop(port, asked, 3 * saturation, 5, writes)
    print("three times saturation:", dict(Counter(each[2] for each in done)))
    good = [each[1] for each in done if each[2] == 200]
    print(f"  answered: {told(good)}; writes: {dict(Counter(written.values()))}")
    began = time.perf_counter()
    line = Line(port)
    while (await line.ask(asked[0]))[0] != 200:
        await asyncio.sleep(0.01)
    print(f"  recovered {time.perf_counter() - began:.3f} s after the last answer")
    kept = [n for n, status in written.items() if status == 201]
    again = [json.loads((await line.ask(writes[n]))[1])["results"][0]["status"] for n in kept]
    print(f"  {len(kept)} acknowledged writes, sent again: {dict(Counter(again))}")
    before = memory_mib(process)
    answered = 0.0
    while answered < 10_000:
        answered += 2 * await closed_loop(port, asked, 16, 2)
    print(f"memory: {before:.0f} MiB, after {answered:.0f} requests {memory_mib(process):.0f} MiB")
    line.close()


async def enroll_all(port: int) -> None:
    line = Line(port)
    for start in range(0, N_PHOTOS, 2):
        pictures = [drawing(start // 2, variant) for variant in (0, 1)]
        sent = form(pictures, thing=f"thing {start // 2}")
        status, body = await line.ask(request("/v1/galleries/characters/photos", sent))
        assert status == 201, body
    line.close()


def bare_rate() -> tuple[float, float]:
    """From encoded bytes to embeddings, decoding overlapped with the network: pictures a second,
    and ms of processor time a picture."""
    embedder = load("characters", threads=1)
    pictures = [drawing(thing, 9) for thing in range(256)]
    embedder.embed(pictures)
    began, used = time.perf_counter(), time.process_time()
    for _ in range(4):
        embedder.embed(pictures)
    n = 4 * 256
    return n / (time.perf_counter() - began), 1e3 * (time.process_time() - used) / n


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    bare, used_ms = bare_rate()
    print(f"bare embedder, bytes to embeddings: {bare:.0f}/s, {used_ms:.2f} ms of processor time")
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--gallery", "characters", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FIRSTSIGHT_HOME": home},
        )
        assert process.stderr is not None
        port = 0
        while not port:
            event = json.loads(process.stderr.readline()).get("event", "")
            if "running on" in event:
                port = int(event.split("127.0.0.1:")[1].split()[0])
        # The log goes nowhere, as it would to a file: reading it here would cost the generator.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        try:
            asyncio.run(enroll_all(port))
            asyncio.run(measure(port, process, bare))
        finally:
            process.terminate()
            process.wait()
            drain.wait()


if __name__ == "__main__":
    main()
