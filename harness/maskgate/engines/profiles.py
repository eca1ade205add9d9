"""How much a run tries: the named profiles, and the Hypothesis settings behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase


@dataclass(frozen=True)
class Profile:
    """One named amount of work.

    Attributes:
        examples: examples a property.
        conformance: examples of a property that compares with the formula: there every choice of
            loss, parameters, reduction, mask and weights meets every other.
        signatures: how many different signatures (loss, shapes, dtypes ...) are asked in the traced
            and compiled modes; each new one costs a compilation.
        models: examples of a property that asks whole models: each takes a dozen calls of the
            trainer.
        stacks: corners of a property that asks whole models: each may build another model.
        brief: whether a property of all layers leaves out those that are listed to lose the mask.
        corners: of the fixed corners of a property of losses, every how many-th is tried.
        sparing: by how much all of that is divided on `COSTLY` backends.
    """

    examples: int
    conformance: int
    signatures: int
    models: int = 10
    stacks: int = 200
    brief: bool = False
    corners: int = 1
    sparing: int = 1

    def on(self, backend: str) -> Profile:
        """What is tried on a backend: less where a new shape costs a compilation."""
        if backend not in COSTLY:
            return self
        return replace(
            self,
            examples=-(-self.examples // self.sparing),
            conformance=-(-self.conformance // self.sparing),
            models=-(-self.models // self.sparing),
            corners=self.corners * self.sparing,
        )

    def examples_of(self, *, whole_models: bool, conformance: bool) -> int:
        """How many examples a property draws."""
        if whole_models:
            return self.models
        return self.conformance if conformance else self.examples


# JAX compiles every operation anew for each new shape, in eager code too: a hundred times the cost
# of a call whose shapes it has met.
COSTLY = ("jax",)

PROFILES: dict[str, Profile] = {
    "smoke": Profile(15, 40, signatures=1, models=1, stacks=1, brief=True, sparing=5),
    "default": Profile(100, 400, signatures=4, models=24, sparing=5),
    "deep": Profile(examples=2000, conformance=4000, signatures=48, models=400),
}
DEFAULT_SEED = 0

# Explain and target cost calls of the subject and say nothing about a frozen case.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)


def hypothesis_settings(profile: Profile, *, database: str | None = None) -> settings:
    """The explicit Hypothesis settings of a profile.

    Hypothesis would load a profile of its own under CI; every field that matters is set here, so
    that a run in CI is the run at home.

    Args:
        profile: the amount of work.
        database: directory of the example database, None for none.
    """
    return settings(
        max_examples=profile.examples,
        deadline=None,
        derandomize=False,
        database=None if database is None else DirectoryBasedExampleDatabase(database),
        phases=_PHASES,
        print_blob=False,
        report_multiple_bugs=True,
        suppress_health_check=list(HealthCheck),
    )
