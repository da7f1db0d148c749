"""Claims of occupations, fields of work, employers and other names, degrees and fields of study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from occpred.reasons.claims import Claim
from occpred.reasons.degrees import find_degrees
from occpred.reasons.facts import Facts
from occpred.reasons.vocabulary import Mention, MentionKind, Vocabulary, is_sentence_start
from occpred.reasons.words import Word, alike, find_words, fold

_ROLE = re.compile(
    r"\b(?:work(?:ed|s|ing)?|employed|served?|serving|job|position|role|experience|time|years)\s+as\s+(?:an?|the)\s+"
    r"(?P<role>[^.,;:()\r\n]+?)(?=\s+(?:at|for|in|with|from|until|since|and|before|after|who|which|then)\b|[.,;:()\r\n]|$)",
    re.IGNORECASE,
)
_STUDY = re.compile(
    r"\b(?:studied|majored\s+in|graduated\s+in|trained\s+in|"
    r"(?:degree|diploma|certificate|bachelor(?:['\u2019]?s)?|master(?:['\u2019]?s)?|ph\.?d|doctorate|studies|education|major)\s+in)"
    r"\s+(?!(?:at|for|in|the|this|that|with|hard|and|a)\b)(?P<study>[^\W\d_][^.,;:()\r\n]*?)"
    r"(?=\s+(?:at|for|in|with|from|until|since|before|after|who|which|that|then|to|points?)\b|[.,;:()\r\n]|$)",
    re.IGNORECASE,
)
_PLACE_CUES = frozenset({"at", "joined", "by", "for"})
_JOINERS = frozenset({"of", "the", "for", "de", "du", "la", "van", "von", "der"})
_FUNCTION_WORDS = _JOINERS | {"and"}
_NO_NAMES = frozenset(
    fold(
        "January February March April May June July August September October November December Monday Tuesday "
        "Wednesday Thursday Friday Saturday Sunday degree bachelor master doctor PhD MSc BSc MBA associate diploma "
        "certificate science arts O NET SOC I American European English"
    )
)
_LEGAL_FORMS = frozenset({"inc", "ltd", "llc", "corp", "co", "gmbh", "plc", "nv", "bv", "ag", "the", "of", "and"})
_LONGEST_ACRONYM = 4
_GAP = re.compile(r"[ \-'\u2019.&]{0,2}")
"""What may stand between two words of one name."""


def named_claims(report: str, facts: Facts, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Each name that the text `report` states as fact, held against `facts`."""
    mentions = vocabulary.mentions(report)
    explained = [(mention.start, mention.end) for mention in mentions]
    explained += [match.span(1) for pattern in (_ROLE, _STUDY) for match in pattern.finditer(report)]
    yield from _occupations(report, mentions, facts)
    yield from _fields(report, mentions, facts)
    yield from _roles(report, mentions, facts)
    yield from _degrees(report, facts)
    yield from _studies(report, facts)
    yield from _names(report, explained, facts, vocabulary)


def _occupations(report: str, mentions: list[Mention], facts: Facts) -> Iterator[Claim]:
    for mention in mentions:
        if mention.kind is MentionKind.OFFICIAL or (mention.kind is MentionKind.ALTERNATE and mention.introduced):
            text = report[mention.start : mention.end]
            yield Claim("occupation", text, bool(mention.keys & facts.codes) or _found(fold(text), facts.texts))


def _fields(report: str, mentions: list[Mention], facts: Facts) -> Iterator[Claim]:
    for mention in mentions:
        if mention.kind is MentionKind.FIELD:
            text = report[mention.start : mention.end]
            yield Claim("field", text, bool(mention.keys & facts.fields) or _found(fold(text), facts.texts))


def _roles(report: str, mentions: list[Mention], facts: Facts) -> Iterator[Claim]:
    """Roles in the reason's own words: one must share a word with a title of the history."""
    for match in _ROLE.finditer(report):
        start, end = match.span("role")
        if not any(mention.start < end and start < mention.end for mention in mentions):
            words = fold(match["role"])
            known = any(alike(word, other) for word in words for title in facts.titles for other in title)
            yield Claim("occupation", match["role"], known)


def _degrees(report: str, facts: Facts) -> Iterator[Claim]:
    for level, match in find_degrees(report):
        yield Claim("degree", match[0], level in facts.degrees or _found(fold(match[0]), facts.texts))


def _studies(report: str, facts: Facts) -> Iterator[Claim]:
    for match in _STUDY.finditer(report):
        words = frozenset(fold(match["study"])) - _FUNCTION_WORDS
        if words:
            known = any(
                _alike_all(words, study) or _alike_all(study - _FUNCTION_WORDS, words) for study in facts.studies
            )
            yield Claim("field of study", match["study"], known)


def _names(report: str, explained: list[tuple[int, int]], facts: Facts, vocabulary: Vocabulary) -> Iterator[Claim]:
    """Employers, schools and other names. What lies in an `explained` span is a claim of another kind."""
    for run in _capitalised_runs(report):
        text = report[run[0].start : run[-1].end]
        words = [word.text for word in run if word.text not in _NO_NAMES | _JOINERS]
        if not words or any(start <= run[0].start and run[-1].end <= end for start, end in explained):
            continue
        strange = any(word.text in words and _is_strange(report, word, vocabulary) for word in run)
        if strange or _follows_place_cue(report, run[0]):
            yield Claim("name", text, _found([word.text for word in run], facts.texts))


def _capitalised_runs(report: str) -> list[list[Word]]:
    """Names: runs of words that begin with a capital. A sentence's first word counts only where another follows it."""
    runs: list[list[Word]] = []
    current: list[Word] = []
    for word in find_words(report):
        adjoins = bool(current) and _GAP.fullmatch(report, current[-1].end, word.start)
        if report[word.start].isupper():
            if not adjoins:
                current = []
                runs.append(current)
            current.append(word)
        elif adjoins and word.text in _JOINERS:
            current.append(word)
        else:
            current = []
    for run in runs:
        while not report[run[-1].start].isupper():
            run.pop()
    return [run for run in runs if len(run) > 1 or not is_sentence_start(report, run[0].start)]


def _is_strange(report: str, word: Word, vocabulary: Vocabulary) -> bool:
    """Whether a capitalised word is no word of the taxonomy and no short acronym, so that it must be a name."""
    written = report[word.start : word.end]
    return word.text not in vocabulary.words and not (written.isupper() and len(written) <= _LONGEST_ACRONYM)


def _follows_place_cue(report: str, word: Word) -> bool:
    before = report[: word.start].lower().split()[-2:]
    return bool(before) and (before[-1] in _PLACE_CUES or (before[-1] == "the" and before[0] in _PLACE_CUES))


def _found(words: Iterable[str], texts: Iterable[frozenset[str]]) -> bool:
    """Whether one text of the history has all of `words`, legal forms such as `Inc` aside."""
    needed = frozenset(words) - _LEGAL_FORMS
    return bool(needed) and any(needed <= text for text in texts)


def _alike_all(words: frozenset[str], others: frozenset[str]) -> bool:
    return bool(words) and all(any(alike(word, other) for other in others) for word in words)
