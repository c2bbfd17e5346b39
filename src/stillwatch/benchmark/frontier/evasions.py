"""The evasions of the frontier: each axis of `worlds.axes` alone from the reference world, then several together.

Steps were chosen before any was run. Worlds of one seed and scale share their honest population, so that a curve shows
what the evasion does and not what another town does.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stillwatch.errors import UsageError
from stillwatch.worlds.axes import AXES, changed
from stillwatch.worlds.operators.wording import CARRIERS
from stillwatch.worlds.scenario import DISGUISES, Scenario, named

BASE = "mixed"
OWN_HOURS = "hours=own"
"""What `changed` adds to any setting; the base has it too, or it would be no point of the same curve."""
TOGETHER = "together"


@dataclass(frozen=True)
class Evasion:
    """One way to hide.

    Args:
        settings: of axes, as they are typed after `--set`; none for the base.
        called: its name, if settings are too many to be one.
        factor: multiplies the scale of its world.
    """

    settings: tuple[str, ...] = ()
    called: str = ""
    factor: float = 1.0

    @property
    def name(self) -> str:
        """What it is called, or its settings, or the base's name."""
        return self.called or ", ".join(self.settings) or BASE

    def scenario(self) -> Scenario:
        """The base with the settings made."""
        return changed(named(BASE), self.settings or (OWN_HOURS,))


@dataclass(frozen=True)
class Curve:
    """An axis with its steps, from what hides least: the value as it is shown, and the evasion.

    `says` is what the axis is, unit included.
    """

    axis: str
    says: str
    steps: tuple[tuple[str, Evasion], ...]

    @property
    def ordered(self) -> bool:
        """Whether its values are numbers, so that a line between two of them means something."""
        return self.axis != TOGETHER and not AXES[self.axis].words


HARD = Evasion(("cover=.95", "paraphrase=.6", "rotation=.8"), "hard")
WORST = ("cover=.98", "paraphrase=1", "rotation=1", "aloof=1", "jitter=168", "linked=0", "provider=shared")
EVERYTHING = Evasion(WORST, "everything")
AT_LENGTH = Evasion((*WORST, "exchanges=300"), "everything, 300 exchanges")
LARGE = {"25000": 5.0}
"""Sizes whose world is so many times larger: otherwise hardly anybody would be honest there."""

SAYS = {
    "cover": "share of a member’s exchanges that is replayed honest traffic",
    "paraphrase": "chance that an extraction exchange is worded anew",
    "own-wording": "share of members with a wording of their own",
    "carrier": "where the prompt stands; the last turn then says no more than to go ahead, or holds the material",
    "rotation": "chance that an extraction exchange leaves outside of the shared exits, by another program",
    "aloof": "share of members that never touch the shared exits",
    "jitter": "hours (standard deviation) between a batch of work and an exchange",
    "linked": "share of members on a reused card or sign-up device",
    "exchanges": "mean exchanges of a member, cover included; about 60 is what honest customers have",
    "size": "members of the only campaign",
    "imitate": "the honest explanation that every campaign imitates",
    "provider": "whose exits campaigns use; in mixed, two of five share one provider with honest customers",
    TOGETHER: "several axes at once",
}
QUICK = {
    "cover": ("0", ".8", ".95", ".98"),
    "paraphrase": (".3", "1"),
    "own-wording": ("0", "1"),
    "rotation": (".5", "1"),
    "exchanges": ("20", "", "300"),
    "size": ("20", "120"),
    "imitate": ("none", "affiliated", "same-items"),
}
FULL = {
    "cover": ("0", ".5", ".8", ".9", ".95", ".98"),
    "paraphrase": ("0", ".3", ".6", ".8", ".95", "1"),
    "own-wording": ("0", ".3", ".6", ".8", ".95", "1"),
    "carrier": CARRIERS,
    "rotation": ("0", ".3", ".5", ".7", ".85", "1"),
    "aloof": ("0", ".25", ".5", ".75", "1"),
    "jitter": ("0", "6", "24", "72", "168"),
    "linked": ("1", ".35", ".15", "0"),
    "exchanges": ("20", "", "120", "300", "2000"),
    "size": ("20", "60", "120", "300", "1000", "5000", "25000"),
    "imitate": tuple(DISGUISES),
    "provider": ("", "own", "shared"),
}
"""Values of each axis; where one is empty the base stands, which no value of the axis can say."""

QUICK_TOGETHER = (HARD, AT_LENGTH)
FULL_TOGETHER = (
    Evasion(("cover=.95", "exchanges=120")),
    Evasion(("rotation=1", "cover=.9", "exchanges=120")),
    Evasion(("cover=.95", "own-wording=1")),
    Evasion(("paraphrase=1", "rotation=1")),
    HARD,
    EVERYTHING,
    AT_LENGTH,
)
SHOWN = {("exchanges", ""): "about 60", ("provider", ""): "as in mixed"}
"""How the base is called on an axis that has no value for it."""


def curves(*, full: bool, only: Sequence[str] = ()) -> tuple[Curve, ...]:
    """The curves to measure, all of them or those of some axes.

    Raises:
        UsageError: there is no curve of that name.
    """
    values, jointly = (FULL, FULL_TOGETHER) if full else (QUICK, QUICK_TOGETHER)
    held = {axis: Curve(axis, SAYS[axis], tuple(_step(axis, at) for at in steps)) for axis, steps in values.items()}
    several = tuple((evasion.name, evasion) for evasion in (Evasion(), *jointly))
    held[TOGETHER] = Curve(TOGETHER, SAYS[TOGETHER], several)
    for name in only:
        if name not in held:
            near = difflib.get_close_matches(name, held, n=1)
            step = "--full has it" if name in FULL else f"did you mean {near[0]}?" if near else ""
            raise UsageError("no curve of that axis", found=name, wanted=", ".join(held), next_step=step)
    return tuple(curve for name, curve in held.items() if not only or name in only)


def evasions(held: Iterable[Curve]) -> list[Evasion]:
    """Every evasion of the curves once, the base first and the largest worlds last."""
    found = dict.fromkeys([Evasion(), *(evasion for curve in held for _, evasion in curve.steps)])
    return sorted(found, key=lambda evasion: evasion.factor)


def _step(axis: str, value: str) -> tuple[str, Evasion]:
    """A step of one axis; the base where the value changes nothing."""
    if not value:
        return SHOWN[axis, value], Evasion()
    one = ("campaigns=1",) if axis == "size" else ()
    evasion = Evasion((*one, f"{axis}={value}"), factor=LARGE.get(value, 1.0) if one else 1.0)
    same = evasion.scenario() == Evasion().scenario()
    return value, Evasion() if same else evasion
