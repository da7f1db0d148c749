"""A model that is asked by files, which somebody carries to a batch service and back."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from occpred.chat.batch_file import (
    REQUESTS,
    ResultLine,
    in_files,
    request_files,
    request_line,
    result_lines,
    write_whole,
)
from occpred.chat.budget import Account
from occpred.chat.journal import Journal
from occpred.chat.remote import RemoteChat
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.errors import UserError
from occpred.prompts import plain
from occpred.settings import MISSING, setting

logger = logging.getLogger(__name__)

_MOST_NAMED = 5
"""How many files, or lines that cannot be used, are named one by one."""
_LONGEST_COMPLAINT = 200


@dataclass
class BatchChat(RemoteChat):
    """A model that answers whole files of requests, hours later and for less, in the format of OpenAI's batch service.

    Nothing is sent from here. What no journal answers is written to request files, and the run ends with word of them.
    Once the result files lie beside them, the same command goes on. A request is written again where its result is an
    error or damaged, never while it is under way: so let the request files lie, too.
    """

    folder: str = setting(MISSING, incidental=True)
    """Where request files are written and result files looked for, whatever these are called before `.jsonl`."""

    @property
    def destination(self) -> str:
        """The folder."""
        return f"request files in {self.folder}, for you to send"

    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        """Find answers to `requests` in the result files.

        Raises:
            UserError: some are not there yet; says how many, and which files are to be answered.
        """
        folder = Path(self.folder)
        try:
            post = _Post(request_files(folder), list(result_lines(folder, requests)))
            outcomes = post.outcomes()
            journal.record({key: outcome for key, outcome in outcomes.items() if isinstance(outcome, ChatAnswer)})
            missing = {key: request for key, request in requests.items() if key not in outcomes}
            waiting = post.under_way(missing)
            failed = missing.keys() - waiting
            unusable = post.unusable(failed, known=journal.find(line.key for line in post.lines if line.key))
            _name(unusable)
            if missing:
                asked = self._affordable(missing, waiting, journal)
                files = [*post.newest_files(waiting), *self._write(asked, post, journal)]
                raise UserError(self._to_do(stage, len(missing), len(waiting) + len(asked), files, len(unusable)))
        except OSError as error:
            raise UserError(f"{folder}: batch files cannot be read or written there ({error})") from error
        return outcomes

    def _affordable(
        self, missing: Mapping[str, ChatRequest], waiting: Collection[str], journal: Journal
    ) -> dict[str, ChatRequest]:
        """Those of `missing` that are not `waiting` already, as far as the budget reaches if all cost their most."""
        account = Account(self.budget, self.prices, journal.totals())
        most = {key: self.most_cost(self.body(request)) for key, request in missing.items()}
        for key in waiting:
            account.reserve(most[key])
        affordable = {}
        for key in missing:
            if key not in waiting and account.fits(most[key]):
                account.reserve(most[key])
                affordable[key] = missing[key]
        return affordable

    def _write(self, requests: Mapping[str, ChatRequest], post: _Post, journal: Journal) -> list[Path]:
        failures = post.failures()
        paths = []
        for file in in_files((key, request_line(key, self.body(request))) for key, request in requests.items()):
            # A request that failed is written anew, and that must not look like the file that it stood in before.
            contents = "".join(f"{key} {len(failures.get(key, ()))}\n" for key in file)
            name = f"{journal.path.stem}.{hashlib.sha256(contents.encode()).hexdigest()[:12]}{REQUESTS}"
            paths.append(Path(self.folder, name))
            write_whole(paths[-1], file.values())
        return paths

    def _to_do(self, stage: str, missing: int, asked: int, files: Sequence[Path], unusable: int) -> str:
        steps = []
        if unusable:
            steps.append(f"{unusable:,} lines of result files cannot be used, as the log says")
        if missing > asked:
            limits = f"max_cost={self.budget.max_cost:g}, max_requests={self.budget.max_requests}"
            steps.append(
                f"the budget ({limits}) is too small for {missing - asked:,} of them, raise it to have them asked"
            )
        if files:
            names = ", ".join(file.name for file in files[:_MOST_NAMED])
            more = f" and {len(files) - _MOST_NAMED:,} more" if len(files) > _MOST_NAMED else ""
            steps.append(
                f"have {names}{more} in {self.folder} answered, each as one batch, and put the result files (*.jsonl) "
                "beside them"
            )
        what = f"{stage}: {missing:,} requests to {self.model} have no answer yet"
        return "; ".join([what, *steps, "then run the same command again"])


@dataclass(frozen=True)
class _Post:
    """What lies in the folder: the keys in each request file, and the lines of all result files."""

    asked: Mapping[Path, set[str]]
    lines: Sequence[ResultLine]

    def outcomes(self) -> dict[str, ChatAnswer | Refusal]:
        """By key, the first answer; or else the first refusal."""
        found: dict[str, ChatAnswer | Refusal] = {}
        for line in self.lines:
            if line.key is not None and line.outcome is not None:
                earlier = found.setdefault(line.key, line.outcome)
                if isinstance(earlier, Refusal):
                    found[line.key] = line.outcome if isinstance(line.outcome, ChatAnswer) else earlier
        return found

    def failures(self) -> Mapping[str, set[str]]:
        """By key, digests of the lines that cannot be used: a copy of a result file does not make a second failure.

        A line that is damaged beyond recognition counts for all requests that may be meant: those of every request file
        that the result file brings results of.
        """
        failed: defaultdict[str, set[str]] = defaultdict(set)
        keys: defaultdict[Path, set[str]] = defaultdict(set)
        for line in self.lines:
            if line.key is not None:
                keys[line.file].add(line.key)
                if line.outcome is None:
                    failed[line.key].add(line.digest)
        for line in self.lines:
            if line.key is None:
                for asked in self.asked.values():
                    if not asked.isdisjoint(keys[line.file]):
                        for key in asked:
                            failed[key].add(line.digest)
        return failed

    def under_way(self, missing: Collection[str]) -> set[str]:
        """Those of `missing` that stand in one more request file than they failed."""
        failures = self.failures()
        written = Counter(key for keys in self.asked.values() for key in keys)
        return {key for key in missing if written[key] > len(failures.get(key, ()))}

    def newest_files(self, keys: Iterable[str]) -> list[Path]:
        """The request files in which `keys` were written last."""
        oldest_first = sorted(self.asked, key=lambda path: path.stat().st_mtime_ns)
        newest = {key: path for path in oldest_first for key in self.asked[path]}
        return sorted({newest[key] for key in keys})

    def unusable(self, failed: Collection[str], known: Collection[str]) -> list[str]:
        """A complaint about each line that brings nothing: damaged, an error, or an answer to what nobody asked.

        Args:
            failed: the keys about which an error has not led to a new request yet.
            known: keys that were asked, if not from this folder.
        """
        written = {key for keys in self.asked.values() for key in keys}
        complaints = []
        for line in self.lines:
            place = f"{line.file}, line {line.number}"
            if line.key is None or line.key in failed:
                complaints.append(f"{place}: {line.why}")
            elif line.is_unasked and line.key not in written and line.key not in known:
                complaints.append(f"{place}: answers {line.key!r}, which was not asked here; refused")
        return complaints


def _name(unusable: Sequence[str]) -> None:
    for complaint in unusable[:_MOST_NAMED]:
        logger.warning("%s", plain(complaint)[:_LONGEST_COMPLAINT])
    if len(unusable) > _MOST_NAMED:
        logger.warning("and %d more lines of result files like these", len(unusable) - _MOST_NAMED)
