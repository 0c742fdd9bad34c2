"""pymoo's algorithms as a user of pymoo runs them, by its ask and tell, and nothing of ours.

Integers have the operators that its users take for them: SBX and polynomial mutation with eta 3, rounded. With
a population of 20 one category of a child mutates on average, where pymoo's own default draws half of them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from edgesmith.arch.space.choices import Encoding, Space

ALGORITHMS: Final[Mapping[str, Callable[[int], Any]]] = MappingProxyType(
    {
        "pymoo ga": lambda choices: _genetic(),
        "pymoo ga, population 20": lambda choices: _genetic(pop_size=20, mating=_mating(choices)),
        "pymoo nsga2": lambda choices: _nsga2(choices, population=100),
        "pymoo nsga2, population 20": lambda choices: _nsga2(choices, population=20),
    }
)


def optimize(
    name: str,
    space: Space,
    evaluate: Callable[[Encoding], Sequence[float]],
    *,
    goals: int,
    count: int,
    seed: int,
) -> tuple[list[Encoding], list[list[float]]]:
    """The points that were evaluated and their values, in that order; fewer where it finds nothing new.

    Args:
        name: In `ALGORITHMS`.
        space: Ordered choices are integers to pymoo, the others categories.
        evaluate: Values of a point, all to be raised.
        goals: How many values.
        count: Evaluations; the generation that exceeds them is cut.
        seed: Of the algorithm.
    """
    from pymoo.core.evaluator import Evaluator
    from pymoo.core.problem import Problem
    from pymoo.core.variable import Choice, Integer
    from pymoo.problems.static import StaticProblem

    variables = {
        choice.name: Integer(bounds=(0, len(choice.options) - 1))
        if choice.ordered
        else Choice(options=list(range(len(choice.options))))
        for choice in space.choices
    }
    problem = Problem(vars=variables, n_obj=goals)
    algorithm = ALGORITHMS[name](len(variables))
    algorithm.setup(problem, termination=("n_eval", count), seed=seed, verbose=False)
    points: list[Encoding] = []
    values: list[list[float]] = []
    while algorithm.has_next():
        asked = algorithm.ask()
        if asked is None:
            break
        fresh = [tuple(int(each.X[choice.name]) for choice in space.choices) for each in asked]
        found = [list(evaluate(point)) for point in fresh]
        Evaluator().eval(StaticProblem(problem, F=-np.array(found)), asked)
        algorithm.evaluator.n_eval += len(fresh)
        algorithm.tell(infills=asked)
        points += fresh
        values += found
    return points[:count], values[:count]


def _genetic(**settings: Any) -> Any:
    from pymoo.core.mixed import MixedVariableGA

    return MixedVariableGA(**settings)


def _nsga2(choices: int, *, population: int) -> Any:
    from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
    from pymoo.core.mixed import MixedVariableDuplicateElimination, MixedVariableSampling
    from pymoo.operators.selection.tournament import TournamentSelection

    return NSGA2(
        pop_size=population,
        sampling=MixedVariableSampling(),
        mating=_mating(choices, selection=TournamentSelection(func_comp=binary_tournament)),
        eliminate_duplicates=MixedVariableDuplicateElimination(),
    )


def _mating(choices: int, **settings: Any) -> Any:
    from pymoo.core.mixed import MixedVariableDuplicateElimination, MixedVariableMating
    from pymoo.core.variable import Choice, Integer
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.crossover.ux import UX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.mutation.rm import ChoiceRandomMutation
    from pymoo.operators.repair.rounding import RoundingRepair

    return MixedVariableMating(
        crossover={Integer: SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()), Choice: UX()},
        mutation={
            Integer: PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
            Choice: ChoiceRandomMutation(prob_var=1 / choices),
        },
        eliminate_duplicates=MixedVariableDuplicateElimination(),
        **settings,
    )
