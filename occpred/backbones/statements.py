"""Short statements about occupations, and general remarks on careers: the language around a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from occpred.prompts import plain
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

ZONE_WORDS = {
    1: "little or no preparation",
    2: "some preparation",
    3: "medium preparation",
    4: "considerable preparation",
    5: "extensive preparation",
}
"""What O*NET's job zones say of the preparation that an occupation needs."""

_GROUP = (
    "{title} belong to the major group {group}.",
    "{title} is an occupation in {group}.",
    "Whoever is drawn to {group} may think of {title}.",
    "In {group} you find {title}.",
)
_ZONE = (
    "{title} need {preparation} (job zone {zone}).",
    "The occupation {title} is in job zone {zone}: {preparation}.",
)
_RELATED = (
    "Occupations related to {title}, closest first: {others}.",
    "From {title} people often move to {others}.",
    "Close to {title} are {others}.",
)
_ALTERNATE = (
    "{alternate} is another wording for the occupation {title}.",
    'In official terms, "{alternate}" counts among {title}.',
    "The official title for {alternate} is {title}.",
)
_STEP_UP = (
    "From {title} to {other} is a step up, from job zone {zone} to job zone {other_zone}.",
    "Ambitious {title} can rise to {other}.",
)
_STEP_ALONG = (
    "From {title} to {other} is a move at the same level.",
    "{title} who want a change without a step up may look at {other}.",
)

REMARKS = (
    "A timeline lists education and employment, oldest entry first.",
    "A good explanation uses only what the history shows and does not invent facts.",
    "How long a person stayed in each position tells whether they value stability or change.",
    "Somebody who rises from one job zone to the next shows ambition.",
    "Somebody who turned away from a field will hardly return to it, but some people do.",
    "Staying in the present occupation is the most common choice of all.",
    "People advise each other on careers, and every career is different.",
    "The education of a person often decides the first occupation, and rarely the last one.",
    "What a person is looking for in working life becomes clear step by step.",
    "Preferences show in the fields that were chosen and in those that were left.",
    "An official taxonomy of occupations gives each occupation one title, written exactly in one form.",
    "The same work has many names, so the official title of an occupation helps to compare two histories.",
    "It is hard to name the occupation that somebody will hold next, yet the timeline gives hints.",
    "The next position is probably close to the last one, in the same field or in a related occupation.",
    "A person drawn to people may choose care, teaching, sales or service.",
    "A person drawn to things may choose construction, production, repair or transportation.",
    "A person drawn to ideas may choose science, design, law or the arts.",
    "A person drawn to data may choose computing, mathematics, finance or administration.",
    "Higher pay, more responsibility and a shorter way to work are frequent reasons for a move.",
    "After many years in one occupation a change of field needs courage and often some training.",
    "The evidence for a motive lies in several moves, not in a single one.",
    "Two short stays in a row suggest that somebody has not found the right field.",
    "Several positions in the same major group suggest a steady interest in that field.",
    "The first step in reading a history is to look at its order: what came before, what came after.",
    "The second step is to ask what the person liked, what they avoided and how far they have risen.",
    "Information about a person is no instruction; it says what was, and leaves open what will be.",
    "Between two positions there may be a gap, and nobody can tell from the dates alone what happened then.",
    "Work and life change together: family, health and place matter as much as pay.",
    "Nothing else is needed to reply to a simple question about a career than the timeline itself.",
    "Some people want to step up, some want to stay, and some want to begin again in another field.",
    "Stepping up means work that asks for more preparation: a degree, a licence or long experience.",
    "Below a certain level of education some occupations stay closed, however strong the interest.",
    "The most recent position weighs more than the ones before, but the pattern of all of them counts.",
    "Interest, ability and chance together make a career; only the traces of them appear in the record.",
    "Your history shows a preference for a field when most of your positions belong to it.",
    "To think about a career is to ask one question, and the answer is never sure: which occupation comes next?",
    "Name what the person does now, then explain why they might leave it.",
    "A move to another field suggests a new interest; a long stay seems to speak for the present work.",
    "It is possible to be at ease in a position and still to be open to something else.",
    "The work that follows is likely to be near the work that was liked most.",
    "Given the history so far, one may expect the person to remain in the field or to move to a related one.",
)
"""General remarks on careers and on reading them, in our own words."""


def statements(occupation: Occupation, taxonomy: Taxonomy, random: Random) -> str:
    """State some facts that the taxonomy knows of `occupation`, in random order and wording."""
    facts = list(_facts(occupation, taxonomy, random))
    random.shuffle(facts)
    return " ".join(facts[: random.randint(2, len(facts))]) if len(facts) > 1 else facts[0]


def remarks(random: Random) -> str:
    """Give a few general remarks in random order."""
    return " ".join(random.sample(REMARKS, k=random.randint(3, 8)))


def roll_call(group: str, taxonomy: Taxonomy) -> str:
    """List the titles of one major group, given by its key."""
    codes = [code for code in taxonomy.codes if taxonomy.major_group(code) == group]
    titles = "; ".join(taxonomy[code].title for code in codes)
    return f"Occupations in {taxonomy.major_group_title(codes[0])}: {titles}."


def _facts(occupation: Occupation, taxonomy: Taxonomy, random: Random) -> Iterator[str]:
    words: dict[str, object] = {
        "title": occupation.title,
        "group": taxonomy.major_group_title(occupation.code),
        "zone": occupation.job_zone,
    }
    yield random.choice(_GROUP).format_map(words)
    if occupation.job_zone:
        yield random.choice(_ZONE).format_map(words | {"preparation": ZONE_WORDS[occupation.job_zone]})
    if occupation.related:
        others = [taxonomy[code].title for code in occupation.related[: random.randint(1, 6)]]
        yield random.choice(_RELATED).format_map(words | {"others": "; ".join(others)})
        yield from _comparison(occupation, taxonomy[random.choice(occupation.related)], words, random)
    if occupation.alternate_titles:
        alternate = plain(random.choice(occupation.alternate_titles))
        yield random.choice(_ALTERNATE).format_map(words | {"alternate": alternate})
    if occupation.description:
        yield plain(occupation.description)


def _comparison(occupation: Occupation, other: Occupation, words: dict[str, object], random: Random) -> Iterator[str]:
    if not (occupation.job_zone and other.job_zone) or other.job_zone < occupation.job_zone:
        return
    frames = _STEP_UP if other.job_zone > occupation.job_zone else _STEP_ALONG
    yield random.choice(frames).format_map(words | {"other": other.title, "other_zone": other.job_zone})
