"""What may be a name, a tag or a note: text as people see it, one spelling for each."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from firstsight.errors import UsageError

__all__ = [
    "MOST_CHARACTERS",
    "nearest_names",
    "proper_name",
    "proper_notes",
    "proper_tags",
    "require_telling",
    "thing_name",
]

MOST_CHARACTERS = 200
MOST_CHARACTERS_OF_NOTES = 10_000
MOST_NAMES_COMPARED = 5_000  # difflib needs about 20 us for each

_BREAKS_A_LINE = {"Cc", "Cs", "Zl", "Zp"}  # controls, lone surrogates, separators of lines


def proper_name(text: str, kind: str = "name") -> str:
    """`text` composed (NFC) and trimmed, 1 to 200 characters on one line; else UsageError.

    Without NFC, 'é' typed on a Mac and on Linux would be two things.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise UsageError(f"the {kind} is empty; give at least one letter")
    if len(name) > MOST_CHARACTERS:
        raise UsageError(
            f"the {kind} {name[:20]!r}... has {len(name)} characters; give at most "
            f"{MOST_CHARACTERS}"
        )
    odd = next((c for c in name if unicodedata.category(c) in _BREAKS_A_LINE), None)
    if odd is not None:
        raise UsageError(
            f"the {kind} {name[:20]!r} has the control character {odd!r}; leave it out"
        )
    return name


def require_telling(name: str) -> None:
    """UsageError for the one name that no thing may be given: answers call strangers so."""
    if name.casefold() == "unknown":
        raise UsageError(
            f"a thing cannot be named {name!r}, for that is what answers call everything that is "
            "not enrolled; choose another name"
        )


def thing_name(text: str) -> str:
    """`text` as a new thing would be named; UsageError where none may be named so."""
    name = proper_name(text)
    require_telling(name)
    return name


def proper_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag as a proper name, in the order given, none twice."""
    if isinstance(tags, str):
        raise UsageError(f"the tags are the text {tags[:20]!r}; give a list of texts")
    return tuple(dict.fromkeys(proper_name(tag, "tag") for tag in tags))


def proper_notes(text: str) -> str:
    """`text` composed and trimmed, up to 10,000 characters on any number of lines."""
    notes = unicodedata.normalize("NFC", text).strip()
    if len(notes) > MOST_CHARACTERS_OF_NOTES:
        raise UsageError(
            f"the notes have {len(notes)} characters; give at most {MOST_CHARACTERS_OF_NOTES}"
        )
    odd = next(
        (c for c in notes if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"), None
    )
    if odd is not None:
        raise UsageError(f"the notes have the control character {odd!r}; leave it out")
    return notes


def nearest_names(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Up to `most` of `names` that look like a slip of `name`, best first."""
    import difflib  # a slow import that only a refusal needs

    spelled = {each.casefold(): each for each in sorted(names)[:MOST_NAMES_COMPARED]}
    near = difflib.get_close_matches(name.casefold(), spelled, n=most)
    return [spelled[each] for each in near]
