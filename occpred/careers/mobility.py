"""Observed mobility between occupations, as public statistics give it, placed in a taxonomy.

Source of the format: the edge list of year-to-year moves in the US Current Population Survey published by R. M. del
Rio-Chanona with "CanadaLaborApplication" (CC BY 4.0): SOC codes of several editions and widths, and a transition
probability for each pair.

Shapes: C occupations (in taxonomy order).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from occpred.errors import UserError
from occpred.taxonomy.taxonomy import Taxonomy

SOURCE, TARGET, PROBABILITY = "OCC_source", "OCC_target", "transition_prob_BLS_ASECnorm_corr"
_MINOR_GROUP = 4  # characters: 15-1 of 15-1252.00


def read_mobility(path: Path, taxonomy: Taxonomy) -> NDArray[np.float64]:
    """Read an edge list as the probability of moving from a row's to a column's occupation, (C, C).

    What moves to a survey code is shared evenly among the occupations it covers (see `cover`); occupations under one
    code share its row. Moves to codes that cover nothing in the taxonomy are left out and rows rescaled to 1. Rows of
    occupations without observed moves are zero, and so are moves within one code, which the survey cannot see.

    Raises:
        UserError: the file cannot be read, or a column is missing, or a probability is no number, or no code fits.
    """
    edges = _read_edges(path)
    covered = cover({code for edge in edges for code in edge}, taxonomy.codes)
    if not covered:
        raise UserError(f"careers.mobility_path={path}: none of its codes fits an occupation of {taxonomy.name}")
    columns = {code: [taxonomy.index(member) for member in members] for code, members in covered.items()}
    mobility_CC = np.zeros((len(taxonomy), len(taxonomy)))
    for (source, target), probability in edges.items():
        if source in columns and target in columns and columns[source] != columns[target]:
            mobility_CC[np.ix_(columns[source], columns[target])] += probability / len(columns[target])
    total_C1 = mobility_CC.sum(axis=1, keepdims=True)
    return np.asarray(mobility_CC / np.where(total_C1 > 0, total_C1, 1.0))


def cover(survey_codes: Iterable[str], codes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Which occupations each survey code stands for.

    A survey code covers the codes that it begins when its trailing zeros are dropped (`11-1010` covers `11-1011.00` and
    `11-1011.03`); the longest wins. Survey codes that begin nothing, as those of another edition, together cover the
    occupations of their minor group (`15-1`) that nothing else covers.
    """
    prefixes = {code.rstrip("0"): code for code in survey_codes}
    covered: dict[str, list[str]] = defaultdict(list)
    left_over: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        prefix = next((code[:end] for end in range(len(code), 0, -1) if code[:end] in prefixes), None)
        if prefix is None:
            left_over[code[:_MINOR_GROUP]].append(code)
        else:
            covered[prefixes[prefix]].append(code)
    for survey_code in prefixes.values():
        if survey_code not in covered and survey_code[:_MINOR_GROUP] in left_over:
            covered[survey_code] = left_over[survey_code[:_MINOR_GROUP]]
    return {code: tuple(members) for code, members in covered.items()}


def _read_edges(path: Path) -> dict[tuple[str, str], float]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := {SOURCE, TARGET, PROBABILITY} - set(reader.fieldnames or ()):
                raise UserError(f"careers.mobility_path={path}: the columns {', '.join(sorted(missing))} are missing")
            edges = {(row[SOURCE], row[TARGET]): float(row[PROBABILITY]) for row in reader}
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"careers.mobility_path={path}: cannot be read as a mobility edge list: {error}") from error
    if wrong := [edge for edge, probability in edges.items() if not 0 <= probability <= 1]:
        raise UserError(f"careers.mobility_path={path}: {edges[wrong[0]]} of {wrong[0]} is not a probability")
    return edges
