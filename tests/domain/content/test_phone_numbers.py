"""If these fail, numbers go unnoticed, or lessons are held back for their exercises."""

import random

import pytest

from chatd.domain.content.phone_numbers import WINDOWS_MAX, phones

NUMBERS = (
    "+49 171 2345678",
    "+49 (0)171 2345678",
    "+49.1712345678",
    "+34 612 345 678",
    "+1.555.123.4567",
    "0049 171 2345678",
    "0171/2345678",
    "0171 234 56 78",
    "0412 345 678",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "0 1 7 1 2 3 4 5 6 7 8",
    "(555) 123-4567",
    "555-123-4567",
    "555.123.4567",
    "8 (916) 123-45-67",
    "98765 43210",
    "9876543210",
    "+91 98765-43210",
    "919876543210",
    # Digits and a plus sign of other scripts.
    "٠١٧١٢٣٤٥٦٧٨",
    "+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧",
    "९८७६५४३२१०",
    "＋４９１７１２３４５６７８",
    "0171\u200b234\u200b5678",
)

NO_NUMBERS = (
    "3.14159",
    "3.14159265358979",
    "+3.14159265",
    "0.5772156649",
    "48.137154, 11.576124",
    "2026-11-21",
    "2026-11-21 10:30",
    "21.11.2026",
    "11/21/2026",
    "1914-1918 and 1939-1945",
    "08.30-09.45 and 10.15-11.00",
    "ISBN 978-3-16-148410-0",
    "ISBN-13: 978-3-16-148410-0",
    "9783161484100",
    "ISBN 0-306-40615-2",
    "ISBN-10: 0306406152",
    "Chapter 12 page 345",
    "Exercise 1 2 3 4 5 6 7 8 9 10",
    "Questions 1.1.1, 1.1.2, 1.2.1",
    "pages 12-15, 18-22 and 101-103",
    "grade 5 6 4 3 5 6 2 1",
    "1 000 000 000",
    "1.234.567.890",
    "12 345 678",
    "100 200 3000",
    "10 20 30 40 50 60",
    "7/8 + 9/10 = 1 27/40",
    "(1) 12 (2) 34 (3) 56",
    "x = 1234567890",
    "5+1234567890",
    "2^10 = 1024, 2^20 = 1048576",
    "6.02214076e23",
    "the speed of light is 299792458 m/s",
    "0101 1010 1100",
    "192.168.100.200",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "ab1234567890cd",
    "$1234567890",
    "1763721600 or 1763721600000",
    "https://example.org/articles/9876543210",
    "tel aviv 1948-1949",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_many_countries(number: str) -> None:
    """A student's number would stand in the chat, unseen (TUT-25)."""
    text = f"so: {number}, after six"
    assert [text[start:end] for start, end in phones(text)] == [number]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_phone_number(text: str) -> None:
    """A lesson would be warned of, or held back, for its own numbers (TUT-26)."""
    assert list(phones(text)) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("call me 555-1234", "555-1234"),
        ("tel: 612 345 678", "612 345 678"),
        ("WhatsApp 1234 5678", "1234 5678"),
        ("手机13812345678", "13812345678"),
        ("هاتف: ٥٥٥١٢٣٤", "٥٥٥١٢٣٤"),
    ],
)
def test_a_word_before_makes_doubtful_digits_a_number(text: str, number: str) -> None:
    """Short numbers would go through wherever they are named as what they are."""
    assert [text[start:end] for start, end in phones(text)] == [number]


def test_several_in_a_row() -> None:
    """The second number of two would be overlooked, or both for being too long."""
    text = "0171 2345678 0172 3456789, in the evening +49 30 123456"
    assert [text[start:end] for start, end in phones(text)] == [
        "0171 2345678",
        "0172 3456789",
        "+49 30 123456",
    ]


def test_hostile_texts_end() -> None:
    """One text could stop everybody's messages: a pattern that goes back and forth
    would not be through with these before the suite is given up."""
    units = ["1", "0 ", "0", "+1", "(1", "1.", "1-", "12 345 ", "0171 ", "2026-11-"]
    units += ["10.10-", "  1", "1____", "tel ", "((((", "\u0660", "isbn ", "+", "/"]
    chance = random.Random(26)
    for unit in units:
        assert all(start < end for start, end in phones(unit * (64_000 // len(unit))))
    for _ in range(20):
        text = "".join(chance.choices(units, k=16_000))
        spans = list(phones(text))
        assert len(spans) <= WINDOWS_MAX
        assert spans == sorted(spans)
