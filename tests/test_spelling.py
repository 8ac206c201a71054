"""Names of people agree whatever their spelling; long ones are cut and stay different."""

import unicodedata

import pytest

from tcnsc_lib.faces.spelling import is_text, normal, short, shown

SAME = [
    ("Angela_Merkel", "angela merkel"),
    ("Angela_Merkel", "ANGELA-MERKEL "),
    ("Angela  Merkel", "Angela\u00a0Merkel"),
    ("Angela\u2013Merkel", "Angela_Merkel"),
    ("Stra\u00dfe", "STRASSE"),
    ("\ufb01nn", "Finn"),
    ("Jürgen", unicodedata.normalize("NFD", "Jürgen")),
    ("An\u00adgela", "Angela\u200e"),
    ("ΣΟΦΙΑΣ", "σοφιας"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_name_agree(one, other):
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("Jürgen", "Jurgen"), ("Ann", "Anna"), ("_", "-")])
def test_other_names_differ(one, other):
    assert normal(one) != normal(other)


def test_short_names_stay_and_long_ones_are_cut_to_bytes_and_told_apart():
    assert short("Jürgen") == "Jürgen"
    one = short("ü" * 120 + "a")
    other = short("ü" * 120 + "b")
    assert one != other
    assert max(len(name.encode()) for name in (one, other)) <= 150
    assert one.startswith("ü" * 60)


def test_names_that_are_not_utf8_are_seen_and_can_be_shown():
    name = b"J\xfcrgen".decode("utf-8", "surrogateescape")
    assert not is_text(name)
    assert is_text("Jürgen")
    assert shown(name) == "J\\udcfcrgen"


@pytest.mark.parametrize(
    "one, other",
    [("Angela.Merkel", "angela_merkel"), ("A. B.", "A B"), ("O'Neil", "O\u2019Neil"),
     ("\u0130nan", "inan")],
)
def test_dots_apostrophes_and_the_turkish_i_make_nobody_else(one, other):
    assert normal(one) == normal(other)


def test_a_name_with_a_control_character_fits_into_no_table():
    assert is_text("J\u00fcrgen") and not is_text("a\rb") and not is_text("a\nb")
