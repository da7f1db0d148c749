from __future__ import annotations

import csv
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from occpred.careers.mobility import PROBABILITY, SOURCE, TARGET, cover, read_mobility
from occpred.careers.simulated import SimulatedCareers
from occpred.errors import UserError
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

HEADER = f"{SOURCE},{TARGET},{PROBABILITY}\n"
CODES = ("11-1011.00", "11-1011.03", "15-1252.00", "15-1253.00", "29-1141.00")


@pytest.fixture
def small_taxonomy() -> Taxonomy:
    return Taxonomy("small", [Occupation(code, f"Title {code}") for code in CODES])


def write(folder: Path, text: str) -> Path:
    path = folder / "edges.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_cover_takes_the_longest_prefix() -> None:
    covered = cover(
        ["11-1010", "25-1000", "25-1010", "51-9191"], ["11-1011.03", "25-1011.00", "25-1194.00", "51-2092.00"]
    )
    assert covered == {"11-1010": ("11-1011.03",), "25-1010": ("25-1011.00",), "25-1000": ("25-1194.00",)}


def test_cover_pools_codes_of_another_edition_by_minor_group() -> None:
    covered = cover(["15-1131", "15-1132", "15-2041"], ["15-1252.00", "15-1253.00", "15-2041.00"])
    programmers = ("15-1252.00", "15-1253.00")
    assert covered == {"15-1131": programmers, "15-1132": programmers, "15-2041": ("15-2041.00",)}


def test_matrix_by_hand(tmp_path: Path, small_taxonomy: Taxonomy) -> None:
    """Managers (11-1010) cover two occupations, 15-1130 pools two; what goes to 53-7060 is left out."""
    rows = (
        "11-1010,11-1010,0.6\n11-1010,15-1130,0.2\n11-1010,29-1140,0.1\n11-1010,53-7060,0.1\n"
        "29-1140,11-1010,0.3\n29-1140,29-1140,0.7\n"
    )
    mobility_CC = read_mobility(write(tmp_path, HEADER + rows), small_taxonomy)
    third = 1 / 3
    manager, nurse, nothing = [0, 0, third, third, third], [0.5, 0.5, 0, 0, 0], [0, 0, 0, 0, 0]
    expected_CC = np.array([manager, manager, nothing, nothing, nurse])
    np.testing.assert_allclose(mobility_CC, expected_CC)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "columns OCC_source, OCC_target, transition_prob_BLS_ASECnorm_corr are missing"),
        (HEADER + "11-1010,15-1130,often\n", "cannot be read as a mobility edge list"),
        (HEADER + "11-1010,15-1130\n", "cannot be read as a mobility edge list"),
        (HEADER + "11-1010,15-1130,nan\n", "is not a probability"),
        (HEADER + "11-1010,15-1130,-0.1\n", "is not a probability"),
        (HEADER + "99-1010,98-1130,0.5\n", "none of its codes fits an occupation of small"),
        ("", "are missing"),
    ],
)
def test_unusable_files_are_refused(tmp_path: Path, small_taxonomy: Taxonomy, text: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        read_mobility(write(tmp_path, text), small_taxonomy)


def test_a_missing_file_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(UserError, match=r"careers.mobility_path=.*nowhere.csv: .*No such file"):
        SimulatedCareers(mobility_path=str(tmp_path / "nowhere.csv")).read(taxonomy)


def test_without_preference_moves_follow_the_matrix(tmp_path: Path, small_taxonomy: Taxonomy) -> None:
    rows = "".join(
        f"{source[:7]},{target[:7]},{probability}\n"
        for source in CODES[1:]
        for target, probability in zip(CODES[1:], (0.4, 0.3, 0.2, 0.1), strict=True)
    )
    path = write(tmp_path, HEADER + rows)
    careers = SimulatedCareers(mobility_path=str(path), preference_strength=0.0, stay_share=0.0, mean_positions=12)
    moves = Counter(
        (before.occupation_code, after.occupation_code)
        for person in careers.simulate(small_taxonomy, range(150))
        for before, after in pairwise(person.history.positions)
    )
    counts = [moves["29-1141.00", code] for code in CODES]
    assert counts[-1] == 0
    expected = np.array([0.2, 0.2, 0.3, 0.2]) / 0.9 * sum(counts)
    assert chisquare(counts[:-1], expected).pvalue > 0.01


def test_observed_mobility_is_followed(shared_data: Path, taxonomy: Taxonomy) -> None:
    """The moves out of the occupation left most often have the shares of its row, over targets the sample has."""
    path = shared_data / "cps_mobility" / "asec_to_bls_mobility_edgelist.csv"
    careers = SimulatedCareers(mobility_path=str(path), preference_strength=0.0, stay_share=0.0, mean_positions=12)
    moves: dict[str, Counter[str]] = defaultdict(Counter)
    for person in careers.simulate(taxonomy, range(400)):
        for before, after in pairwise(person.history.positions):
            moves[before.occupation_code][after.occupation_code] += 1
    popular = max(moves, key=lambda code: moves[code].total())
    counts_C = np.array([moves[popular][code] for code in taxonomy.codes])
    expected_C = read_mobility(path, taxonomy)[taxonomy.index(popular)] * counts_C.sum()
    assert counts_C[expected_C == 0].sum() == 0
    often_C = expected_C >= 5
    assert often_C.sum() > 5
    counts = [*counts_C[often_C], counts_C[~often_C].sum()]
    assert chisquare(counts, [*expected_C[often_C], expected_C[~often_C].sum()]).pvalue > 0.01


def test_observed_row_has_the_proportions_of_the_file(shared_data: Path, taxonomy: Taxonomy) -> None:
    path = shared_data / "cps_mobility" / "asec_to_bls_mobility_edgelist.csv"
    row_C = read_mobility(path, taxonomy)[taxonomy.index("41-2011.00")]
    with path.open(encoding="utf-8") as file:
        cashiers = {row[TARGET]: float(row[PROBABILITY]) for row in csv.DictReader(file) if row[SOURCE] == "41-2010"}
    assert row_C.sum() == pytest.approx(1)
    to_sales, to_waiting = (row_C[taxonomy.index(code)] for code in ("41-2031.00", "35-3031.00"))
    assert to_sales / to_waiting == pytest.approx(cashiers["41-2030"] / cashiers["35-3030"])


def test_preference_tilts_the_observed_mobility(shared_data: Path, taxonomy: Taxonomy) -> None:
    path = str(shared_data / "cps_mobility" / "asec_to_bls_mobility_edgelist.csv")

    def share_at_calling(strength: float) -> float:
        careers = SimulatedCareers(mobility_path=path, preference_strength=strength)
        ends = [
            taxonomy.major_group(person.history.positions[-1].occupation_code) == person.preference.calling
            for person in careers.simulate(taxonomy, range(200))
        ]
        return sum(ends) / len(ends)

    assert share_at_calling(1.0) > share_at_calling(0.0) + 0.15
