"""Serve the page and the API."""

from __future__ import annotations

from pathlib import Path

import click

from firstsight.app.cli.menus import options

__all__ = ["menu"]

menu = click.Group()
keys = click.Group("keys", help="API keys: only their hashes are kept.")
menu.add_command(keys)

keys_file = click.option(
    "--keys-file", type=options.PATH, metavar="FILE", help="Default: keys.json by the galleries."
)


@menu.command(epilog="Example:  firstsight serve --gallery mugs")
@click.option(
    "--gallery",
    "galleries",
    multiple=True,
    metavar="NAME",
    default=("photos", "characters"),
    help="A gallery's name, or its folder; may be repeated. The first answers by default.",
)
@click.option(
    "--all-galleries",
    is_flag=True,
    help="Serve all others that have names too, and let new ones be made over HTTP.",
)
@click.option("--host", default="127.0.0.1", help="Where to listen; elsewhere needs keys.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="0 takes a free one.")
@options.false_accepts
@options.first_look
@click.option("--require-key", is_flag=True, help="Ask for keys on the loopback too.")
@keys_file
@click.option(
    "--host-name",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name under which browsers reach the server; may be repeated.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Another site whose pages may ask (CORS); may be repeated.",
)
@click.option("--certificate", type=options.PATH, metavar="FILE", help="PEM, for HTTPS.")
@click.option("--private-key", type=options.PATH, metavar="FILE", help="PEM, of the certificate.")
@click.option("--max-mib", type=options.MIB, default=10, help="Of one picture.")
@click.option("--max-megapixels", type=options.MEGAPIXELS, default=40, help="Of one picture.")
@click.option(
    "--most-waiting", type=click.IntRange(min=1), default=64, help="Requests under way at once."
)
def serve(
    galleries: tuple[str, ...],
    all_galleries: bool,
    host: str,
    port: int,
    false_accepts: float,
    first_look: bool,
    require_key: bool,
    keys_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    certificate: Path | None,
    private_key: Path | None,
    max_mib: float,
    max_megapixels: float,
    most_waiting: int,
) -> None:
    """Serve the web page and the HTTP API."""
    from firstsight.app.cli import serve as command

    command.serve(
        {
            "galleries": galleries,
            "all_galleries": all_galleries,
            "host": host,
            "port": port,
            "false_accepts": false_accepts,
            "second_look": not first_look,
            "demands_key": True if require_key else None,
            "keys_file": keys_file,
            "hosts": hosts,
            "origins": origins,
            "certificate": certificate,
            "private_key": private_key,
            "max_picture_bytes": int(max_mib * 2**20),
            "max_pixels": int(max_megapixels * 1e6),
            "most_waiting": most_waiting,
        }
    )


@keys.command(epilog="Example:  firstsight keys add kitchen --write")
@click.argument("name", help="What the key is for.")
@click.option("--write", is_flag=True, help="It may also change things; else it may only ask.")
@keys_file
def add(name: str, write: bool, keys_file: Path | None) -> None:
    """Make a key, and print it this once."""
    from firstsight.app.cli import serve as command

    command.add_key(name, "write" if write else "read", keys_file)


@keys.command("list", epilog="Example:  firstsight keys list")
@keys_file
@options.as_json
def list_keys(keys_file: Path | None, as_json: bool) -> None:
    """List the keys by name; none of them can be shown again."""
    from firstsight.app.cli import serve as command

    command.list_keys(keys_file, as_json=as_json)


@keys.command(epilog="Example:  firstsight keys revoke kitchen")
@click.argument("name", help="A key's name.")
@keys_file
def revoke(name: str, keys_file: Path | None) -> None:
    """Let a key open nothing any more, at once."""
    from firstsight.app.cli import serve as command

    command.revoke_key(name, keys_file)
