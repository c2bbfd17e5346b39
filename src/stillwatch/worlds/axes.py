"""Axes of the evasion frontier: what a user may set in a scenario, within which bounds."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from stillwatch.errors import UsageError
from stillwatch.worlds.exits import LATTICE
from stillwatch.worlds.operators.wording import CARRIERS
from stillwatch.worlds.scenario import DISGUISES, Campaign, Scenario


@dataclass(frozen=True)
class Axis:
    """A number between bounds, or one of some words. ``field`` is one of a Scenario, or of each of its campaigns."""

    field: str
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    words: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What it takes, in words."""
        kind = "a whole number" if self.whole else "a number"
        return ", ".join(self.words) if self.words else f"{kind} from {self.low:g} to {self.high:,g}"

    def read(self, name: str, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            UsageError: the text stands for no value of this axis.
        """
        if self.words:
            value: Any = text if text in self.words else None
        else:
            value = _number(text, self.whole)
            value = value if value is not None and self.low <= value <= self.high else None
        if value is None:
            raise UsageError(f"{name} cannot be set to this", found=text, wanted=self.wanted)
        return value


AXES = {
    "cover": Axis("cover", high=0.98),
    "paraphrase": Axis("paraphrase"),
    "own-wording": Axis("own_wording"),
    "carrier": Axis("carrier", words=CARRIERS),
    "rotation": Axis("rotation"),
    "aloof": Axis("aloof"),
    "jitter": Axis("jitter", high=168.0),
    "hours": Axis("hours", words=("any", "own")),
    "linked": Axis("linked"),
    "banned": Axis("banned"),
    "campaigns": Axis("campaigns", 1, 10, whole=True),
    "size": Axis("members", 20, 25_000, whole=True),
    "exchanges": Axis("exchanges", 20, 2_000),
    "imitate": Axis("imitates", words=tuple(DISGUISES)),
    "provider": Axis("provider", words=("own", "shared")),
}
OF_A_CAMPAIGN = ("members", "exchanges", "imitates", "provider")


def changed(scenario: Scenario, settings: Iterable[str]) -> Scenario:
    """The scenario with settings such as ``cover=.95`` made; without any it is the same.

    With settings, members keep hours of their own unless ``hours=any`` is among them: where cover is thin, work around
    the clock would give each of them away, and a detector would look better than it is.

    Raises:
        UsageError: an axis that does not exist, is set twice, or cannot take the value; or nobody hides here.
    """
    seen: set[str] = set()
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or name not in AXES:
            problem = "there is no such axis" if equals else "a setting cannot be read"
            near = difflib.get_close_matches(name, AXES, n=1)
            step = f"did you mean {near[0]}?" if near and equals else ""
            raise UsageError(
                problem, found=setting, wanted=f"cover=.95 or another of {', '.join(AXES)}", next_step=step
            )
        if name in seen:
            raise UsageError("an axis is set twice", found=setting, wanted=f"one value of {name}")
        if not scenario.campaigns:
            raise UsageError("nobody hides in this scenario, so nothing can be set", found=scenario.name,
                             next_step="choose a scenario with campaigns, as mixed")  # fmt: skip
        if not seen:
            scenario = replace(scenario, hours="own")
        seen.add(name)
        scenario = _set(scenario, AXES[name].field, AXES[name].read(name, text))
    return scenario


def _set(scenario: Scenario, field: str, value: Any) -> Scenario:
    if field == "campaigns":
        return replace(scenario, campaigns=scenario.campaigns[:value])
    if field in OF_A_CAMPAIGN:
        return replace(scenario, campaigns=tuple(_told(campaign, field, value) for campaign in scenario.campaigns))
    return replace(scenario, **{field: value})


def _told(campaign: Campaign, field: str, value: Any) -> Campaign:
    if field == "provider":
        value = LATTICE if value == "shared" else campaign.name
    return replace(campaign, **{field: value})


def _number(text: str, whole: bool) -> float | None:
    try:
        return int(text.replace(",", "")) if whole else float(text)
    except ValueError:
        return None
