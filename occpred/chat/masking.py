"""Taking out of a text what says who somebody is: addresses, numbers, links and names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum

from occpred.prompts import plain


class Mask(Enum):
    """What stands in a text for what was taken out."""

    EMAIL = "[e-mail]"
    PHONE = "[phone number]"
    LINK = "[link]"
    NAME = "[name]"
    EMPLOYER = "[employer]"
    INSTITUTION = "[institution]"


_MASK = "|".join(re.escape(mask.value) for mask in Mask)

_AT, _DOT = r"(?:[@＠﹫]|\s?[\[(]at[\])]\s?)", r"(?:\.|\s?[\[(]dot[\])]\s?)"
_EMAIL = rf"(?<![\w.+%'-])[\w.+%'-]++{_AT}[\w-]+(?:{_DOT}[\w-]+)+"

_REST_OF_LINK = r"\S*[^\s.,;:!?()\[\]{}'\"‹›]"
_DOMAINS = "ai|app|be|biz|br|ca|ch|cn|com|de|dev|dk|edu|es|eu|fi|fr|gov|ie|info|io|jp|kr|mx|net|nl|org|pl|pt|ru|se|uk"
_WORDS = "am|at|fm|gl|in|is|it|ly|me|my|no|so|to|tv|us"
"""Domains that are English words as well, which may follow a full stop where a space is missing."""
_LINK = "|".join(
    [
        rf"\b\w{{2,12}}://{_REST_OF_LINK}",
        rf"(?<![\w.@-])[wW]{{3}}\.[\w-]+\.{_REST_OF_LINK}",
        # Not the frameworks that are called like a domain, ASP.NET and its kin.
        r"(?<![\w.@-])(?!(?i:ado|asp|ml|vb)\.(?i:net)(?![\w-]|\.\w))(?:[\w-]+\.)+"
        rf"(?:(?:{_DOMAINS}|{_DOMAINS.upper()})(?![\w-])(?:[/?#]{_REST_OF_LINK})?|(?:{_WORDS})/{_REST_OF_LINK})",
    ]
)

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DAY_AND_MONTH = rf"(?:{_DAY}[./-]{_MONTH}|{_MONTH}[./-]{_DAY})"
_DATE = (
    # atomic: were each date of a long row tried in all its readings, the time would grow without bounds
    rf"(?>(?:{_YEAR}[./-]{_MONTH}(?:[./-]{_DAY})?|{_DAY_AND_MONTH}[./-](?:{_YEAR}|\d\d)|{_MONTH}[ ./-]{_YEAR}|{_YEAR})"
    r"(?!\d))"
)
_DATES = rf"(?<!\d){_DATE}(?:\s?[-–—/]\s?{_DATE}){{0,5}}(?![./-]?\d)"

_FREE, _END = r"(?<![\w+])(?<!\d[.,:/-])", r"(?![ .,-]?(?:\d|\[phone))"
_OPEN = r"(?:\((?=[^()]{1,5}\)))?"
_BETWEEN = r"[\s().‐‑–/-]"
_PHONE = "|".join(
    [
        # international: a plus or two noughts, then the code of a country
        rf"(?<!\w){_OPEN}\+\s?\(?\d(?:{_BETWEEN}{{0,3}}\d){{8,12}}(?!\d)",
        rf"{_FREE}00[\s.-]?[1-9](?:{_BETWEEN}{{0,3}}\d){{8,12}}(?!\d)",
        # national, with a nought; a year after a short number is no part of it
        rf"{_FREE}{_OPEN}0[1-9](?:(?!{_BETWEEN}{{1,2}}{_YEAR}(?!\d)){_BETWEEN}{{0,2}}\d){{7,9}}(?!\d)",
        # national, without: three, three and four digits; three times three; pairs; many at a stretch
        rf"{_FREE}(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])\d{{3}}[ .-]\d{{4}}(?!\d)",
        rf"{_FREE}[2-9]\d\d \d{{3}}[ -](?!{_YEAR})\d{{4}}(?!\d)",
        rf"{_FREE}[5-9]\d\d[ -]\d{{3}}[ -](?!000)\d{{3}}{_END}",
        rf"{_FREE}\d\d(?: \d\d){{3,4}}{_END}",
        rf"{_FREE}\d{{10,15}}(?![.,]?\d)",
    ]
)
_REPLACEMENTS = {mask.name: mask.value for mask in Mask}
_CONTACT = re.compile(
    rf"(?P<KEPT>{_MASK})|(?P<EMAIL>{_EMAIL})|(?P<LINK>{_LINK})|(?P<DATES>{_DATES})|(?P<PHONE>{_PHONE})"
)
"""What comes first in the text is read first, and of what begins at one place the first that fits."""

_PARTICLE = re.compile("abu|bin|das|del|della|den|der|des|dos|ibn|mrs|prof|ten|ter|van|von", re.IGNORECASE)
"""Parts of names that are everyday words of a language, or titles; they are masked with the whole name only."""
_LEGAL_FORM = re.compile(
    r"(?:ab|ag|bv|bvba|co|corp|gmbh|inc|kg|limited|llc|ltd|nv|oy|plc|pty|sarl?|sas|spa|srl|[bn]\.v\.|s\.a\.)\.?",
    re.IGNORECASE,
)
_NOT_DECOMPOSED = str.maketrans(
    {"æ": "ae", "ð": "d", "ø": "o", "þ": "th", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "œ": "oe"}
)
_SHORTEST_PART = 3


def person_names(name: str) -> Iterator[str]:
    """The whole name, and each part of it that can stand for the person."""
    yield name
    parts = re.findall(rf"[^\W\d_]{{{_SHORTEST_PART},}}", name)
    yield from (part for part in parts if not _PARTICLE.fullmatch(part))


def organisation_names(name: str) -> Iterator[str]:
    """The whole name, and the name without its legal form."""
    yield name
    words = name.split()
    while len(words) > 1 and _LEGAL_FORM.fullmatch(words[-1]):
        words.pop()
    yield " ".join(words).rstrip(",")


class Masking:
    """Takes e-mail addresses, phone numbers, links and some names out of texts.

    Names are found between word borders, whatever their case and accents and what stands between their words; one of
    fewer than three letters only if spelt exactly so.

    Args:
        names: what is to be found and what takes its place; of two equal names the first counts.
    """

    def __init__(self, names: Iterable[tuple[str, Mask]] = ()) -> None:
        self._names: dict[str, tuple[str, Mask]] = {}
        for name, mask in names:
            if words := _words(_folded(name)[0]):
                self._names.setdefault(words, (name, mask))
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join([f"({_MASK})", *map(_name_pattern, longest_first)]))

    def __call__(self, text: str) -> str:
        """Return `text`, which is untrusted, made plain and masked. What is masked already stays as it is."""
        while (once := self._without_names(_without_contacts(plain(text)))) != text:
            text = once  # what was taken out may lay bare something else
        return text

    def _without_names(self, text: str) -> str:
        if not self._names:
            return text
        folded, origins = _folded(text)
        kept, end = [], 0
        for match in self._pattern.finditer(folded):
            if match[1]:
                continue  # a mask
            name, mask = self._names[_words(match[0])]
            first, last = origins[match.start()], origins[match.end()]
            if sum(map(str.isalpha, name)) < _SHORTEST_PART and name != text[first:last]:
                continue
            kept += [text[end:first], mask.value]
            end = last
        return "".join([*kept, text[end:]])


def _without_contacts(text: str) -> str:
    start = 0
    while match := _CONTACT.search(text, start):
        replacement = _REPLACEMENTS.get(match.lastgroup or "", match[0])
        # Put in at once, so that what follows is read as it will stand.
        text = text[: match.start()] + replacement + text[match.end() :]
        start = match.start() + len(replacement)
    return text


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` without case and accents; where in `text` each of its characters, and its end, come from."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    folded, origins = [], []
    for place, character in enumerate(text):
        bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
        bare = bare.casefold().translate(_NOT_DECOMPOSED)
        folded.append(bare)
        origins += [place] * len(bare)
    return "".join(folded), [*origins, len(text)]


def _words(folded: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", folded))


def _name_pattern(words: str) -> str:
    between = r"[\W_]{1,3}".join(words.split())
    return f"(?<!{_alike(words[0])}){between}(?!{_alike(words[-1])})"


def _alike(edge: str) -> str:
    """What may not stand beside a name that ends with `edge`; scripts without case often write words without spaces."""
    if edge.isdigit():
        return r"\d"
    return r"[^\W\d_]" if edge.upper() != edge else "(?!)"
