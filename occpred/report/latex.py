r"""The results as LaTeX tables, for a paper to take in with `\input{metrics}`."""

from __future__ import annotations

from occpred.report.data import Results
from occpred.report.table import Cell, Mark, Table, heading, metric_tables
from occpred.report.text import one_line

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "−": "$-$",
    "–": "--",
    "∞": r"$\infty$",
    "±": r"$\pm$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "\N{REPLACEMENT CHARACTER}": "?",
}
_TRANSLATION = str.maketrans(_SPECIAL)
PREAMBLE = r"""% Needs \usepackage{booktabs}, \usepackage{graphicx} and \usepackage[T1]{fontenc}.
"""


def escape(text: str) -> str:
    """Make the text print as it is: no character of it is a command, an argument or a cell boundary to LaTeX."""
    return one_line(text).translate(_TRANSLATION)


def metrics_latex(results: Results) -> str:
    """One booktabs table for each group of examples, values above their intervals, shrunk where wider than the line."""
    return PREAMBLE + "\n".join(_table(table, results.interval_note) for table in metric_tables(results))


def _table(table: Table, note: str) -> str:
    title = f"{escape(table.title)} ($n = {table.counts}$)"
    note = f"Brackets hold {escape(note)}; the best value of a column is bold."
    header = " & ".join(["System", *(escape(heading(column)) for column in table.columns)])
    body = []
    for row in table.rows:
        body.append(" & ".join([escape(row.label), *(_value(cell) for cell in row.cells)]) + r" \\")
        body.append(" & ".join(["", *(_interval(cell) for cell in row.cells)]) + r" \\[2pt]")
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{title}. {note}}}",
            r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"  \begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"    \toprule",
            rf"    {header} \\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _value(cell: Cell) -> str:
    text = escape(cell.value)
    return text if cell.mark is Mark.NONE else rf"\textbf{{{text}}}"


def _interval(cell: Cell) -> str:
    return rf"{{\scriptsize [{escape(cell.interval[1:-1])}]}}" if cell.interval else ""
