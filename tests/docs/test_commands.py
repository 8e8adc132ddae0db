"""Each command line that the documentation shows is one that the program would take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from firstsight.app.cli.main import app
from firstsight.evaluation.protocols import PROTOCOLS
from firstsight.learning.recipes.shelf import load_recipe, shipped_recipes
from tests.docs.pages import PAGES, ROOT, read_page

SEPARATORS = {";", "|", "&&", "||", ">", "2>", "&"}


def command_lines(path: Path) -> Iterator[list[str]]:
    """Words after `firstsight` of each line of a shell block, and of each span that has any."""
    page = read_page(path)
    for language, text in page.blocks:
        if language in ("sh", "console"):
            for line in text.replace("\\\n", " ").splitlines():
                yield from commands_in(line.removeprefix("$ "), comments=True)
    for span in page.spans:
        if re.match(r"firstsight [a-z-]", span):
            yield from commands_in(span, comments=False)


def commands_in(line: str, *, comments: bool) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#" if comments else ""
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in SEPARATORS:
            if words[:1] == ["firstsight"] and len(words) > 1:
                yield words[1:]
            words = []
        else:
            words.append(word)


def parsed(words: list[str], *, mentioned: bool = False) -> click.Context | None:
    """The innermost command's context, or None where --help or --version ended the reading.

    mentioned: a command may stand there by its name alone, with nothing that it would need.
    Raises ClickException where the program would refuse.
    """
    above: click.Context | None = None
    command: click.Command = app
    name, rest = "firstsight", list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        above = click.Context(command, parent=above, info_name=name)
        name = rest.pop(0)
        found = command.get_command(above, name)
        if found is None:
            raise click.UsageError(f"there is no command {name!r}")
        command = found
    if not rest and mentioned:
        return None
    try:
        return command.make_context(name, rest, parent=above)
    except click.exceptions.Exit:
        return None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_line_is_one_that_the_program_takes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in command_lines(path):
        shown = f"firstsight {shlex.join(words)}"
        try:
            context = parsed(words, mentioned=True)
        except click.ClickException as refusal:
            pytest.fail(f"{shown}: {refusal.format_message()}")
        if context is not None:
            require_known_names(context, shown)


def require_known_names(context: click.Context, shown: str) -> None:
    """Recipes, keys and protocols are plain text to the reader of command lines."""
    given = context.params
    if context.command.name == "evaluate":
        unknown = set(given["protocol"]) - {*PROTOCOLS, "NAME"}
        assert not unknown, f"{shown}: there is no such protocol"
    if context.command.name == "train" and given["recipe"] in shipped_recipes():
        load_recipe(given["recipe"], given["overrides"])
    if context.command.name == "recipes" and given["name"]:
        assert given["name"] in shipped_recipes(), f"{shown}: there is no such recipe"


def every_command(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(every_command(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_each_help_text_works_and_is_of_that_command(name: str) -> None:
    label, _, line = (COMMANDS[name].epilog or "").partition(":")
    examples = list(commands_in(line, comments=False))
    assert label == "Example"
    assert [" ".join(words).startswith(name) for words in examples] == [True]
    parsed(examples[0])


def test_a_command_line_that_the_program_would_refuse_is_found_out() -> None:
    with pytest.raises(click.UsageError, match="no command 'recognize'"):
        parsed(["recognize", "desk.jpg"])
    with pytest.raises(click.NoSuchOption):
        parsed(["identify", "desk.jpg", "--treshold", "1"])
    with pytest.raises(click.MissingParameter):
        parsed(["verify", "a.jpg"])
