"""What would be asked of chat models, on the terminal, before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from occpred.chat.plan import PlannedCalls
from occpred.report.environment import money

_COLUMNS = ("calls", "known", "tokens in", "tokens out", "cost")


def print_planned_calls(planned: Mapping[str, Sequence[PlannedCalls]]) -> None:
    """Print a table of all calls, what leaves the machine and where to, and one prompt of each kind.

    Args:
        planned: by the stage's reference, in the order in which they would be made; stages of one name share rows.
            `known` counts the calls that earlier runs have had answered; tokens and cost are bounds of the others,
            and a cost that is not known is a dash.
    """
    console = Console()
    rows = [(stage, calls) for stage, kinds in planned.items() for calls in kinds if calls.calls]
    if not rows:
        console.print("dry run: nothing that is missing of this experiment would ask a chat model")
        return
    console.print(_table(rows))
    for leaves, destination in dict.fromkeys((calls.leaves, calls.destination) for _, calls in rows):
        console.print(Text(f"to {destination}: {leaves}"))
    examples: dict[str, str] = {}
    for _, calls in rows:
        examples.setdefault(calls.question, calls.example)
    for question, example in examples.items():
        console.rule(Text(f"one prompt that asks for: {question}"))
        # Text from data: it is shown as it is, and none of it is taken for markup.
        console.print(Text(example), soft_wrap=True)
    console.rule()
    console.print("dry run: nothing was sent; say dry_run=false to go on")


def _table(rows: Sequence[tuple[str, PlannedCalls]]) -> Table:
    table = Table("stage", "asks for", "model", title="Calls of chat models, at most")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    alike: dict[tuple[str, str, str], list[PlannedCalls]] = {}
    for stage, calls in rows:
        alike.setdefault((stage.partition("/")[0], calls.question, calls.model), []).append(calls)
    for names, planned in alike.items():
        table.add_row(*map(Text, names), *_numbers(planned))
    table.add_section()
    table.add_row("all", "", "", *_numbers([calls for _, calls in rows]))
    return table


def _numbers(planned: Sequence[PlannedCalls]) -> list[str]:
    counts = [
        f"{sum(getattr(calls, name) for calls in planned):,}"
        for name in ("calls", "answered", "prompt_tokens", "completion_tokens")
    ]
    cost: Counter[str] = Counter()
    for calls in planned:
        cost.update(calls.cost)
    return [*counts, money(cost)]
