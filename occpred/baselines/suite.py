"""The baselines that are evaluated beside a model."""

from __future__ import annotations

from dataclasses import dataclass, fields

from occpred.baselines.baseline import Baseline
from occpred.baselines.career import Career
from occpred.baselines.gru4rec import Gru4Rec
from occpred.baselines.knn import KNearestNeighbours
from occpred.baselines.logistic import MultinomialLogistic
from occpred.baselines.markov_1 import Markov1
from occpred.baselines.markov_2 import Markov2
from occpred.baselines.popularity import Popularity
from occpred.baselines.repeat_last import RepeatLast
from occpred.settings import Settings, setting


@dataclass
class Baselines(Settings):
    """Which baselines run, each with its settings; `null` leaves one out (`baselines.markov_2=null`)."""

    popularity: Popularity | None = setting(Popularity())
    repeat_last: RepeatLast | None = setting(RepeatLast())
    markov_1: Markov1 | None = setting(Markov1())
    markov_2: Markov2 | None = setting(Markov2())
    knn: KNearestNeighbours | None = setting(KNearestNeighbours())
    logistic: MultinomialLogistic | None = setting(MultinomialLogistic())
    career: Career | None = setting(Career())
    gru4rec: Gru4Rec | None = setting(Gru4Rec())

    def chosen(self) -> list[Baseline]:
        """The baselines that run, in the order of every table."""
        baselines = [getattr(self, field.name) for field in fields(self)]
        return [baseline for baseline in baselines if baseline is not None]
