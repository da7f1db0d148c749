"""Marking a reason by what it says for the true next occupation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.reasons.clauses import conclusions, reports
from occpred.reasons.judge import BEST, WORST, Mark
from occpred.reasons.numeric_claims import job_zones_in
from occpred.reasons.stances import Stance, stances_in
from occpred.reasons.vocabulary import Mention, MentionKind, Vocabulary, vocabulary_of
from occpred.reasons.words import alike, find_words, fold
from occpred.records import Occupation

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_RELEVANCE = {1: "none", 2: "weak", 3: "moderate", 4: "strong", 5: "strong"}
_COMMON_WORDS = frozenset(fold("and of the except other all for in or to worker specialist general including"))


@dataclass(frozen=True)
class _Evidence:
    """Something that speaks for (points above 0) or against the true occupation."""

    text: str
    points: int


@dataclass(frozen=True)
class _Reading:
    """What a reason reports and what it concludes."""

    reported: list[Mention]
    concluded: list[Mention]
    words: frozenset[str]
    """Of the conclusions, without those of field titles."""
    stances: set[Stance]
    job_zones: set[int]

    @classmethod
    def of(cls, reason: str, vocabulary: Vocabulary) -> _Reading:
        concluded: list[Mention] = []
        words: set[str] = set()
        stances: set[Stance] = set()
        job_zones: set[int] = set()
        for text in conclusions(reason):
            mentions = vocabulary.mentions(text)
            fields = [mention for mention in mentions if mention.kind is MentionKind.FIELD]
            words |= {
                word.text
                for word in find_words(text)
                if not any(field.start <= word.start < field.end for field in fields)
            }
            concluded += mentions
            stances |= stances_in(text)
            job_zones |= job_zones_in(text)
        reported = [mention for text in reports(reason) for mention in vocabulary.mentions(text)]
        return cls(reported, concluded, frozenset(words), stances, job_zones)


def mark_utility(reason: str, occupation: Occupation, taxonomy: Taxonomy) -> Mark:
    """Mark the evidence in `reason` that bears on `occupation`, the true one, without knowing the history.

    From 1, none, each piece adds its points: the occupation named as what comes next (3), as present by a reason that
    expects the person to stay (3), or else reported (2); its field concluded (2) or only reported (1); its job zone
    concluded (1); a related occupation named (1); a word of its title concluded (1). What speaks against it takes
    points away: to leave it, or to stay in another one (2); another field, or a job zone off by two or more (1). The
    occupation reported last is taken for the present one.
    """
    reading = _Reading.of(reason, vocabulary_of(taxonomy))
    evidence = [
        *_occupation(reading, occupation),
        *_field(reading, taxonomy.major_group(occupation.code)),
        *_level(reading, occupation.job_zone),
        *_related(reading, occupation.related),
    ]
    score = min(BEST, max(WORST, WORST + sum(piece.points for piece in evidence)))
    found = "; ".join(piece.text for piece in evidence) or "it names neither field, level nor occupation"
    return Mark(score, f"The relevance is {_RELEVANCE[score]}: {found}.")


def _occupation(reading: _Reading, occupation: Occupation) -> Iterator[_Evidence]:
    jobs = [mention for mention in reading.reported if mention.kind is not MentionKind.FIELD]
    is_present = bool(jobs) and jobs[-1].names(occupation.code)
    leaves, stays = Stance.LEAVE in reading.stances, Stance.STAY in reading.stances
    if any(mention.names(occupation.code) for mention in reading.concluded):
        yield _Evidence("it names the occupation", 3)
    elif is_present and leaves:
        yield _Evidence("it expects the person to leave the occupation", -2)
    elif is_present and stays:
        yield _Evidence("it expects the person to stay in the occupation", 3)
    elif any(mention.names(occupation.code) for mention in jobs):
        yield _Evidence("it reports the occupation", 2)
    elif jobs and stays and not leaves:
        yield _Evidence("it expects the person to stay in another occupation", -2)
    elif shared := _shared_words(reading, occupation):
        yield _Evidence(f"it speaks of {', '.join(shared)}", 1)


def _shared_words(reading: _Reading, occupation: Occupation) -> list[str]:
    title = set(fold(occupation.title)) - _COMMON_WORDS
    return sorted(word for word in title if any(alike(word, other) for other in reading.words))


def _field(reading: _Reading, true: str) -> Iterator[_Evidence]:
    concluded, reported = (
        {key for mention in mentions if mention.kind is MentionKind.FIELD for key in mention.keys}
        for mentions in (reading.concluded, reading.reported)
    )
    if true in concluded:
        yield _Evidence("it concludes the field", 2)
    elif concluded:
        yield _Evidence("it concludes another field", -1)
    elif true in reported:
        yield _Evidence("it reports the field", 1)


def _level(reading: _Reading, true: int | None) -> Iterator[_Evidence]:
    if true is not None and reading.job_zones:
        distance = min(abs(zone - true) for zone in reading.job_zones)
        if distance == 0:
            yield _Evidence("it concludes the job zone", 1)
        elif distance > 1:
            yield _Evidence("it concludes a far job zone", -1)


def _related(reading: _Reading, related: tuple[str, ...]) -> Iterator[_Evidence]:
    if any(mention.names(code) for mention in (*reading.reported, *reading.concluded) for code in related):
        yield _Evidence("it names a related occupation", 1)
