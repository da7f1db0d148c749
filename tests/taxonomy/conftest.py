"""What the tests of the taxonomies share."""

from __future__ import annotations

from pathlib import Path

import pytest

from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="session")
def official(shared_data: Path) -> Taxonomy:
    """The official release that the sample was taken from."""
    return OnetTaxonomy(str(shared_data / "onet_29_1")).load()
