"""The results as tables in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from occpred.report.data import Results
from occpred.report.table import Cell, Mark, Table, heading, metric_tables
from occpred.report.text import one_line

LONGEST_LABEL = 24
CELL_WIDTH = 13
LEGEND = "* best of its column. ± half the width of {note}."
SIGNS = {Mark.NONE: "", Mark.BEST: "*", Mark.BETTER: "▲", Mark.WORSE: "▼"}


def print_results(results: Results, console: Console | None = None) -> None:
    """Print one table for each group of examples, cut into blocks of columns where the terminal is narrow."""
    console = console or Console()
    for table in metric_tables(results):
        print_table(table, console)
    print_legend(results, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table with its title, cut into blocks of columns where the terminal is narrow."""
    console.print(Text(f"{one_line(table.title)} (n = {table.counts})", style="bold"))
    label_width = min(LONGEST_LABEL, max(len(one_line(row.label)) for row in table.rows))
    for block in _blocks(table, (console.width - label_width) // (CELL_WIDTH + 1)):
        console.print(_rich(block, label_width))
        console.print()


def print_legend(results: Results, console: Console) -> None:
    """Say what the signs in the tables mean."""
    console.print(Text(LEGEND.format(note=one_line(results.interval_note)), style="dim"))


def _blocks(table: Table, most_columns: int) -> Iterator[Table]:
    """Cut a table into blocks of at most `most_columns` columns (at least one), as even as can be."""
    blocks = math.ceil(len(table.columns) / max(1, most_columns))
    length = math.ceil(len(table.columns) / max(1, blocks))
    for start in range(0, len(table.columns), max(1, length)):
        part = slice(start, start + length)
        rows = tuple(replace(row, cells=row.cells[part]) for row in table.rows)
        yield replace(table, columns=table.columns[part], rows=rows)


def _rich(table: Table, label_width: int) -> RichTable:
    rich = RichTable(box=None, pad_edge=False, header_style="dim")
    rich.add_column("system", width=label_width, overflow="fold")
    for column in table.columns:
        rich.add_column(Text(one_line(heading(column))), justify="right", width=CELL_WIDTH, vertical="bottom")
    for row in table.rows:
        rich.add_row(Text(one_line(row.label)), *(_cell(cell) for cell in row.cells))
    return rich


def _cell(cell: Cell) -> Text:
    sign, style = SIGNS[cell.mark], "" if cell.mark is Mark.NONE else "bold"
    text = Text(cell.value if cell.p_adjusted else sign + cell.value, style)
    if cell.half_width:
        text.append(f" ±{cell.half_width}", style="not bold dim")
    if cell.p_adjusted:
        text.append(f"\n{sign}p {cell.p_adjusted}", style or "dim")
    return text
