"""`firstsight`: reads the command line, calls a use case, ends with 0, 1 or 2.

0 done; 1 something expected went wrong; 2 the request makes no sense as written.
Commands import what they need when they run: `--help` loads neither NumPy nor PyTorch.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from firstsight.app.cli.speaking import errors, escape_what_cannot_be_shown
from firstsight.errors import FirstsightError

__all__ = ["app", "run"]

# In the order of the help, and of looking for a command: what must answer quickly comes first.
MENUS = ("recognising", "galleries", "serving", "learning", "judging", "models")


class Menus(click.Group):
    """The commands of all menus; those behind the one that holds the command stay unread."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name in MENUS:
            if cmd_name not in self.commands:
                menu: click.Group = import_module(f"firstsight.app.cli.menus.{name}").menu
                self.commands.update(menu.commands)
        return self.commands.get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self.get_command(ctx, "")  # no command has this name, so every menu is read
        return list(self.commands)


def run() -> None:
    """The entry point: a user's mistake ends in one sentence, never in a traceback."""
    escape_what_cannot_be_shown()
    try:
        try:
            sys.exit(app(prog_name="firstsight", standalone_mode=False) or 0)
        except click.ClickException as mistake:
            mistake.show()
            sys.exit(mistake.exit_code)
        except FirstsightError as trouble:
            errors(str(trouble))
            sys.exit(trouble.exit_code)
        except (KeyboardInterrupt, click.Abort):
            errors("stopped")
            sys.exit(130)
        finally:
            sys.stdout.flush()  # here a refusal can still be told; at exit Python would print it
    except BrokenPipeError:  # the reader (head, less) has gone
        _drop_what_is_buffered()
        sys.exit(1)
    except OSError as refusal:
        if not refusal.filename:  # it may have been standard output
            _drop_what_is_buffered()
        what = f"{refusal.filename}: " if refusal.filename else ""
        errors(f"{what}{refusal.strerror or refusal}; check the path and the room on the disk")
        sys.exit(1)


def _drop_what_is_buffered() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"firstsight {version('firstsight')}")
        ctx.exit()


@click.group(
    cls=Menus,
    epilog="Example:  firstsight enroll 'blue mug' mug.jpg; firstsight identify desk.jpg",
    context_settings={"show_default": True},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def app() -> None:
    """Recognise things from one picture: enroll once, identify ever after; train and judge."""
