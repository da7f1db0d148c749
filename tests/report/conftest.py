"""The worked examples of reports, and their pages, each made once."""

from __future__ import annotations

import pytest

from occpred.report.data import ReportData
from occpred.report.page import render_page
from occpred.report.sweep_data import SweepData
from occpred.report.sweep_page import render_sweep_page
from tests.report.report_example import hostile_twin, report_example
from tests.report.sweep_example import hostile_sweep_twin, sweep_example


@pytest.fixture(scope="session")
def data() -> ReportData:
    return report_example()


@pytest.fixture(scope="session")
def hostile(data: ReportData) -> ReportData:
    return hostile_twin(data)


@pytest.fixture(scope="session")
def page_source(data: ReportData) -> str:
    return render_page(data)


@pytest.fixture(scope="session")
def hostile_source(hostile: ReportData) -> str:
    return render_page(hostile)


@pytest.fixture(scope="session")
def sweep() -> SweepData:
    return sweep_example()


@pytest.fixture(scope="session")
def hostile_sweep() -> SweepData:
    return hostile_sweep_twin()


@pytest.fixture(scope="session")
def sweep_source(sweep: SweepData) -> str:
    return render_sweep_page(sweep)


@pytest.fixture(scope="session")
def hostile_sweep_source(hostile_sweep: SweepData) -> str:
    return render_sweep_page(hostile_sweep)
