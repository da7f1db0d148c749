"""The words of simulated careers: for each major group what is studied, where it is worked and what is liked about it.

All of it is invented. A phrase hints at a group without naming it, so that a reader has to know the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Flavour:
    """How one major group sounds."""

    fields: tuple[str, ...]
    """What is studied."""
    employers: tuple[str, ...]
    """Kinds of employer, each fit to follow the name of a place."""
    likes: tuple[str, ...]
    """What is liked about the work, each fit to follow one of `LIKE_OPENINGS`."""


def flavour(group: str, title: str) -> Flavour:
    """The words of a major group; a group that is not in the SOC gets words made from its `title`."""
    plain = Flavour((title,), (f"{title} Services", "Works", "Partners"), (f"dealing with {title}",))
    return FLAVOURS.get(group, plain)


LIKE_OPENINGS = ("Liked", "Most enjoyed", "The best part was", "Was happiest")
"""Each fits before a phrase of `Flavour.likes`."""
RISING = (
    "Asked for a role with more responsibility",
    "Took on harder cases than were asked for",
    "Volunteered to lead the team",
    "Kept an eye on the next step up",
)
UNHURRIED = (
    "Was glad of tasks that end with the day",
    "Turned down a lead role",
    "Preferred a job without pressure",
    "Was content with simpler duties",
)
SETTLED = (
    "Valued the familiar routine",
    "Got attached to the place",
    "Liked knowing what each week would bring",
    "Felt at home here",
)
RESTLESS = (
    "Missed variety after a while",
    "Was soon ready for something new",
    "Found the routine hard to bear",
    "Looked around for a change early on",
)
# The two halves of an invented place, as in Alderbrook.
PLACE_STARTS = (
    *("Alder", "Bram", "Corran", "Dunn", "Elm", "Fenn", "Garrow", "Hollin", "Iver"),
    *("Larch", "Mossen", "Norr", "Oaken", "Pell", "Quill", "Rowan", "Thorn", "Wexen"),
)
PLACE_ENDS = ("brook", "dale", "field", "gate", "haven", "mere", "ridge", "stead", "wick", "worth")
SCHOOLS = MappingProxyType(
    {
        1: "Training Centre",
        2: "High School",
        3: "Community College",
        4: "University",
        5: "University",
    }
)
DEGREES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        1: ("Short course certificate",),
        2: ("High school diploma",),
        3: ("Associate degree", "Vocational certificate"),
        4: ("Bachelor's degree",),
        5: ("Master's degree", "Doctoral degree"),
    }
)
"""The degrees of each education level, which is on the scale of job zones."""

FLAVOURS: Mapping[str, Flavour] = MappingProxyType(
    {
        "11": Flavour(
            ("Business Administration", "Organisational Leadership", "General Management"),
            ("Holdings", "Group Headquarters", "Enterprises"),
            ("setting goals for the whole department", "deciding on budgets and hiring", "steering the yearly plan"),
        ),
        "13": Flavour(
            ("Accounting", "Finance", "Human Resources"),
            ("Consulting", "Capital", "Insurance Brokers"),
            ("working through the accounts", "judging risks and contracts", "finding where the money goes"),
        ),
        "15": Flavour(
            ("Computer Science", "Information Systems", "Statistics"),
            ("Software", "Data Systems", "Cloud Networks"),
            ("writing small programs", "fixing the servers and databases", "building models from data"),
        ),
        "17": Flavour(
            ("Mechanical Engineering", "Civil Engineering", "Architecture"),
            ("Engineering", "Design Bureau", "Aerospace"),
            ("drawing up technical designs", "testing prototypes", "calculating loads and tolerances"),
        ),
        "19": Flavour(
            ("Biology", "Chemistry", "Economics"),
            ("Research Institute", "Laboratories", "Observatory"),
            ("running experiments", "taking samples and measurements", "reading and writing scientific papers"),
        ),
        "21": Flavour(
            ("Social Work", "Counselling", "Theology"),
            ("Family Services", "Outreach Mission", "Community Centre"),
            (
                "listening to families in trouble",
                "helping people through a crisis",
                "finding support for those in need",
            ),
        ),
        "23": Flavour(
            ("Law", "Paralegal Studies", "Public Justice"),
            ("Law Office", "Chambers", "Court Services"),
            ("preparing cases for court", "checking statutes and precedents", "settling disputes"),
        ),
        "25": Flavour(
            ("Education", "Library Science", "Child Development"),
            ("Elementary School", "Academy", "Public Library"),
            ("explaining things to pupils", "preparing lessons", "seeing learners grasp an idea"),
        ),
        "27": Flavour(
            ("Fine Arts", "Journalism", "Graphic Design"),
            ("Studios", "Broadcasting", "Theatre Company"),
            ("designing posters and layouts", "performing before an audience", "writing stories and editing pictures"),
        ),
        "29": Flavour(
            ("Medicine", "Nursing", "Pharmacy"),
            ("General Hospital", "Clinic", "Medical Centre"),
            ("treating patients", "making sense of symptoms", "caring for the seriously ill"),
        ),
        "31": Flavour(
            ("Health Assistance", "Physical Therapy Assistance", "Home Care"),
            ("Care Home", "Rehabilitation Centre", "Hospice"),
            ("helping residents wash and dress", "assisting the nurses", "keeping the elderly company"),
        ),
        "33": Flavour(
            ("Criminal Justice", "Fire Science", "Emergency Management"),
            ("Security", "Fire Department", "Police Department"),
            ("patrolling the area", "responding to alarms", "keeping everybody safe"),
        ),
        "35": Flavour(
            ("Culinary Arts", "Hospitality", "Catering"),
            ("Kitchen", "Restaurant", "Bistro"),
            ("cooking for a full house", "serving guests at the table", "trying out new dishes"),
        ),
        "37": Flavour(
            ("Grounds Keeping", "Facility Care", "Horticulture"),
            ("Cleaning Services", "Landscaping", "Property Care"),
            ("leaving rooms spotless", "mowing and planting the grounds", "keeping a building in order"),
        ),
        "39": Flavour(
            ("Cosmetology", "Recreation Studies", "Early Childhood Care"),
            ("Beauty Salon", "Leisure Club", "Day Nursery"),
            ("doing hair and nails", "looking after children at play", "guiding visitors and club members"),
        ),
        "41": Flavour(
            ("Marketing", "Retail Studies", "Sales"),
            ("Stores", "Trading", "Real Estate"),
            ("closing a deal", "advising customers in the shop", "winning new clients"),
        ),
        "43": Flavour(
            ("Office Administration", "Secretarial Studies", "Bookkeeping"),
            ("Administrative Bureau", "Call Centre", "Records Office"),
            ("keeping files in order", "answering letters and calls", "scheduling appointments"),
        ),
        "45": Flavour(
            ("Agriculture", "Forestry", "Animal Husbandry"),
            ("Farm", "Timber", "Fisheries"),
            ("working in the fields", "tending the animals", "felling and planting trees"),
        ),
        "47": Flavour(
            ("Construction Technology", "Carpentry", "Plumbing"),
            ("Builders", "Roofing", "Quarry"),
            ("building walls and roofs", "reading plans on the site", "laying pipes and cables"),
        ),
        "49": Flavour(
            ("Automotive Technology", "Industrial Maintenance", "Electrical Repair"),
            ("Garage", "Repair Shop", "Maintenance Contractors"),
            ("repairing engines", "tracing faults in machines", "overhauling old equipment"),
        ),
        "51": Flavour(
            ("Manufacturing Technology", "Machining", "Welding"),
            ("Factory", "Metalworks", "Mills"),
            ("running the machines on the line", "checking finished parts", "welding and assembling"),
        ),
        "53": Flavour(
            ("Logistics", "Aviation", "Transport Operations"),
            ("Freight", "Airlines", "Warehousing"),
            ("driving long distances", "loading and moving freight", "planning routes"),
        ),
        "55": Flavour(
            ("Military Science", "Defence Studies", "Naval Science"),
            ("Barracks", "Naval Station", "Training Regiment"),
            ("drilling with the unit", "going on deployment", "serving under command"),
        ),
    }
)
"""The major groups of the Standard Occupational Classification."""
