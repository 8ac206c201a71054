"""Names of people and of files: which ones are the same, which ones a disk takes."""

from __future__ import annotations

import unicodedata

from tcnsc_lib.files import digest

LONGEST = 150  # bytes of a name that ours are made of; disks take 255
BETWEEN = {"Pd", "Zs", "Zl", "Zp", "Pc"}  # Unicode's dashes, blanks and underscores
UNSEEN = {"Cf", "Cc"}  # soft hyphens, marks of direction
APOSTROPHES = "'`\u00b4\u02bc\u2018\u2019"
DOT_ABOVE = "\u0307"  # what is left of the Turkish capital i without case


def normal(name: str) -> str:
    """The form in which names of people are compared: two spellings of one person agree.

    Unicode's compatible composed form without case; dots, dashes, underscores and blanks are one
    blank; apostrophes and what isn't seen are left out.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    letters = [_letter(letter) for letter in unicodedata.normalize("NFKC", folded)]
    words = "".join(letters).split()
    return " ".join(words) or name.casefold()


def _letter(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in BETWEEN or letter == "." or letter.isspace():
        return " "
    if kind in UNSEEN or letter in APOSTROPHES or letter == DOT_ABOVE:
        return ""
    return letter


def short(name: str, most: int = LONGEST) -> str:
    """A name of at most `most` bytes: cut, and told from others by a digest, where it is longer."""
    whole = name.encode("utf-8", "surrogateescape")
    if len(whole) <= most:
        return name
    tail = f"~{digest(name)}"
    head = whole[: most - len(tail)].decode("utf-8", "ignore")
    return head + tail


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8 without control characters; others don't fit into a table."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return all(unicodedata.category(letter) != "Cc" for letter in name)


def shown(name: object) -> str:
    """A path or a name as a line of text: what isn't UTF-8, or would break the line, is escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(name))
