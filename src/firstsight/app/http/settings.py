"""How a server is set up: one frozen record, checked when it is made."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from firstsight.errors import UsageError
from firstsight.images.decode import DecodeLimits

__all__ = ["Settings"]

MEBI = 2**20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Raises UsageError where a value makes no sense.

    galleries: names or folders of those that are served; the first answers where a request names
        none. One that is not there yet is made, with the shipped model of its name or `photos`.
    all_galleries: whether every other gallery that has a name is served too, and new ones may be
        made over HTTP.
    host, port: where to listen; port 0 takes a free one.
    false_accepts: the share of strangers' pictures that may get a name, unless a request says.
    second_look: whether photographs that are not known at first are looked at for places that agree
        with enrolled ones.
    max_picture_bytes, max_pixels: of one picture. max_pictures, max_body_bytes: of one request.
    most_waiting: requests that may be under way; the next is told to come again.
    threads: cores that the network may use; None: all but one, which decoding and Python need.
    headers_timeout_s: for the headers of a request to arrive. body_timeout_s: for its body.
    answer_timeout_s: for an answer to be ready.
    grace_s: how long a server that is told to stop waits for what is under way.
    demands_key: whether every request needs a key; None: yes, unless only this machine can ask.
    keys_file: where the hashes of keys are; None: beside the galleries.
    hosts: names, besides the loopback's and `host`, under which browsers may reach the server.
    origins: other web sites whose pages may ask this server (CORS); none unless named.
    certificate, private_key: PEM files for HTTPS; both or neither.
    """

    galleries: tuple[str, ...] = ("photos", "characters")
    all_galleries: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    false_accepts: float = 0.01
    second_look: bool = True
    max_picture_bytes: int = 10 * MEBI
    max_pixels: int = 40_000_000
    max_pictures: int = 64
    max_body_bytes: int = 64 * MEBI
    most_waiting: int = 64
    threads: int | None = None
    headers_timeout_s: float = 10
    body_timeout_s: float = 30
    answer_timeout_s: float = 30
    grace_s: float = 10
    demands_key: bool | None = None
    keys_file: Path | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None

    def __post_init__(self) -> None:
        if not self.galleries:
            raise UsageError("no gallery was named; name one at least")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"the port is {self.port}; give 0 (any free one) to 65535")
        if not 0 < self.false_accepts < 1:
            raise UsageError(
                f"false_accepts is {self.false_accepts}; give a share between 0 and 1, say 0.01"
            )
        for name in ("max_picture_bytes", "max_pixels", "max_pictures", "max_body_bytes"):
            _require_at_least_one(name, getattr(self, name))
        _require_at_least_one("most_waiting", self.most_waiting)
        if (self.certificate is None) != (self.private_key is None):
            raise UsageError("HTTPS needs a certificate and its private key; give both or neither")
        if self.demands_key is False and not self.is_loopback:
            raise UsageError(
                f"a server at {self.host} can be reached from other machines, so it demands keys; "
                "listen on 127.0.0.1, or make a key: firstsight keys add NAME"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def needs_key(self) -> bool:
        return not self.is_loopback if self.demands_key is None else self.demands_key

    @property
    def is_secure(self) -> bool:
        """Whether the server itself speaks HTTPS."""
        return self.certificate is not None

    @property
    def decoding(self) -> DecodeLimits:
        return DecodeLimits(max_bytes=self.max_picture_bytes, max_pixels=self.max_pixels)


def _require_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{name} is {value}; give 1 or more")
