from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.masking import Mask, Masking, organisation_names, person_names

HARMLESS = [
    "2009",
    "2009-2012",
    "2009 - 2012",
    "2009–2012",
    "since 2009, until 2012-05",
    "01/2009 - 03/2012",
    "01/2009-03/2012",
    "09/2008 06/2012",
    "01.09.2009",
    "01/02/2009",
    "01-02-2009 to 03-04-2011",
    "01/09/98 - 03/10/99",
    "01/09/98-03/10/99",
    "2009-02-01",
    "2009-02-01 2012-03-04",
    "2009/2010",
    "15-1252.00",
    "11-3021.00 2009-2012",
    "15-1252.00, 11-9199.08",
    "3000 Leuven",
    "01067 Dresden",
    "01067 2009-2012",
    "90210-1234",
    "1234 AB Amsterdam",
    "SW1A 1AA",
    "aged 45",
    "45 years old",
    "100,000",
    "EUR 1.000.000",
    "10 000 000 items",
    "a budget of 100 000 000",
    "1,234,567.89",
    "ISO 27001:2013",
    "ISO 9001",
    "EN 60601-1-2",
    "24/7",
    "10.0.19041",
    "192.168.0.1",
    "v2.10.4",
    "1 000 employees in 2010",
    "500-1000 people",
    "C++ 11/14/17",
    "+10%",
    "+5 years",
    "50+ people",
    "36 40 hours",
    "A4 100-200 g",
    "10:30-12:45",
    "12345678",
    "0-3 years",
    "007",
    "ASP.NET",
    "asp.net developer",
    "ASP.NET/C#",
    "Node.js",
    "Vue.js/React",
    "Ph.D.",
    "B.Sc. in Law",
    "e.g. this",
    "U.S.A.",
    "i.e./e.g.",
    "experience.In 2010",
    "the team.it was",
    "St.Gallen",
    "@home",
    "R&D @ night",
    "C# & F#",
    "3D/2D",
    "90-60-90",
    "1-2-3-4-5",
    "2001 2002 2003 2004",
    "12/2010 till 11/2015",
    "levels 1 2 3 4 5 6 7 8 9",
    "40-50 patients, 10-12 staff",
    "2010/11-2012/13",
]

EMAILS = [
    "jan@x.be",
    "Jan.Jansen+cv@mail.kuleuven.be",
    "jan [at] x [dot] be",
    "jan(at)x.be",
    "jan＠x.be",
    "o'neil@acme.co.uk",
]
PHONES = [
    "+32 475 12 34 56",
    "+32475123456",
    "+32 (0)475 12 34 56",
    "(+32) 475/12.34.56",
    "0032 475 12 34 56",
    "00 32 475 123456",
    "0475 12 34 56",
    "0475/12.34.56",
    "02/123.45.67",
    "(02) 123 45 67",
    "02 123 45 67",
    "016 32 10 10",
    "+1 (555) 123-4567",
    "(555) 123-4567",
    "555-123-4567",
    "555.123.4567",
    "1-800-555-0199",
    "555 123 4567",
    "+44 20 7946 0958",
    "020 7946 0958",
    "07700 900123",
    "+49 151 23456789",
    "0171/1234567",
    "030 1234567",
    "+33 6 12 34 56 78",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "01 09 98 76 54",
    "01.09.98.76.54",
    "+86 138 1234 5678",
    "13812345678",
    "+91-98765-43210",
    "612 345 678",
    "+34 612 345 678",
    "12 34 56 78",
    "+45 12 34 56 78",
    "0475123456",
    "+44 20 2012 3456",
]
LINKS = [
    "https://linkedin.com/in/jan",
    "http://192.168.0.1/x",
    "ftp://x.org",
    "www.acme.be",
    "WWW.ACME.BE",
    "linkedin.com/in/jan-jansen",
    "github.com/x",
    "acme.co.uk",
    "acme.be",
    "bit.ly/3xyz",
    "t.me/jan",
    "https://x.be/a?b=c#d",
]
CONTACTS = [(Mask.EMAIL, text) for text in EMAILS] + [(Mask.PHONE, text) for text in PHONES]
CONTACTS += [(Mask.LINK, text) for text in LINKS]


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_names_that_reach_nobody_stay(text: str) -> None:
    assert Masking()(text) == text
    assert Masking()(f"({text}), {text}.") == f"({text}), {text}."


@pytest.mark.parametrize(("mask", "contact"), CONTACTS)
def test_how_to_reach_somebody_is_taken_out(mask: Mask, contact: str) -> None:
    for sentence in ("{}", "Call {} now, 2009-2012", "({}).", "At Acme 2009-2012: {}; more", "a {}, b"):
        assert Masking()(sentence.format(contact)) == sentence.format(mask.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jan@x.be or +32 475 12 34 56, see www.x.be", "[e-mail] or [phone number], see [link]"),
        ("mailto:jan@x.be, tel:0475123456", "mailto:[e-mail], tel:[phone number]"),
        ("<jan@x.be>", "‹[e-mail]›"),
        ("jan\u200b@x\u00ad.be", "[e-mail]"),
        ("0475 12 34 56 0476 12 34 56", "[phone number] [phone number]"),
        ("2009-2012 0475 12 34 56 2013", "2009-2012 [phone number] 2013"),
        ("at https://x.be/?mail=jan@x.be).", "at [link])."),
    ],
)
def test_several_are_taken_out_of_one_text(text: str, expected: str) -> None:
    assert Masking()(text) == expected


JAN = [(name, Mask.NAME) for name in person_names("José van der Müller-Łęcki")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("José van der Müller-Łęcki leads", "[name] leads"),
        ("JOSE VAN DER MULLER LECKI leads", "[name] leads"),
        ("jose_van_der_muller_lecki", "[name]"),
        ("Jose\u0301 and Müller's team", "[name] and [name]'s team"),
        ("Lecki, José", "[name], [name]"),
        ("Head of the Josephine van der Straeten group", "Head of the Josephine van der Straeten group"),
        ("Müllerin, Mullers", "Müllerin, Mullers"),
        ("jose2 and 3jose", "[name]2 and 3[name]"),
        ("ＪＯＳÉ", "[name]"),
    ],
)
def test_a_person_is_found_by_name_and_by_its_parts(text: str, expected: str) -> None:
    assert Masking(JAN)(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Li", "Li leads, li is no name", "[name] leads, li is no name"),
        ("Bo Ek", "Bo Ek, bo-ek, Bo", "[name], [name], Bo"),
        ("山田太郎", "担当は山田太郎です", "担当は[name]です"),
        ("محمد", "عمل محمد هنا", "عمل [name] هنا"),
        ("Name Link", "[name] link [link]", "[name] [name] [link]"),
        (". -", "a . - b", "a . - b"),
        ("", "text", "text"),
        ("(.*)+", "(.*)+ text", "(.*)+ text"),
    ],
)
def test_names_of_all_kinds(name: str, text: str, expected: str) -> None:
    assert Masking([(each, Mask.NAME) for each in person_names(name)])(text) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Acme Inc.", "Acme, ACME Inc, acme", "[employer], [employer], [employer]"),
        ("Crédit Agricole S.A.", "credit agricole", "[employer]"),
        ("C&A", "C&A, not c a", "[employer], not c a"),
        ("IT", "IT does it", "[employer] does it"),
        ("3M", "3M and 13M", "[employer] and 13M"),
        ("Co", "Co and company", "[employer] and company"),
        ("", "text", "text"),
    ],
)
def test_an_organisation_is_found_without_its_legal_form(name: str, text: str, expected: str) -> None:
    assert Masking([(each, Mask.EMPLOYER) for each in organisation_names(name)])(text) == expected


def test_masks_that_are_called_like_names_stay() -> None:
    names = [("Institution", Mask.EMPLOYER), ("Employer", Mask.INSTITUTION), ("E Mail", Mask.NAME)]
    assert Masking(names)("institution, employer, jan@x.be") == "[employer], [institution], [e-mail]"


def test_the_longest_name_counts_and_of_equal_ones_the_first() -> None:
    names = [
        ("Jan Smit", Mask.NAME),
        ("Smit", Mask.NAME),
        ("jan smit", Mask.EMPLOYER),
        ("Jan Smit Bakery", Mask.EMPLOYER),
    ]
    assert Masking(names)("Jan Smit at Jan Smit Bakery") == "[name] at [employer]"


PIECES = st.sampled_from(
    [*EMAILS, *PHONES, *LINKS, *HARMLESS, "José", "Müller", "[e-mail]", "@", ".", "+", "0", " ", "-", "<"]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=12), st.sampled_from(["", " ", ", ", "-"]))
def test_what_is_masked_stays(pieces: list[str], between: str) -> None:
    masking = Masking(JAN)
    once = masking(between.join(pieces))
    assert masking(once) == once
    if between in (" ", ", "):
        assert "José" not in once.split()
        assert "jan@x.be" not in once


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a@",
        "1",
        "1 ",
        "0475 ",
        "01-",
        "01/01/01-",
        "://",
        "www.",
        "+",
        "(0",
        "12 34 ",
        "a [at] ",
        "2009-",
        "a@b.c+",
        "a@b.c..",
        "a@b.c-@",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    # Patterns that try each place in all ways would take hours here.
    assert Masking(JAN)(piece * (20_000 // len(piece))) is not None
