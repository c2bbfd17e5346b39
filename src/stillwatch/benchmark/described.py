"""How well a finding describes the campaign that it found: what is extracted, and how much."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stillwatch.benchmark.measure import Recovery


@dataclass(frozen=True)
class Described:
    """A recovered campaign's finding beside the truth.

    `capability_error` is the total variation distance of the shares of capabilities, 0 (the same) to 1. Volumes are
    exchanges: the finding's low, likely and high figure, and the true one.
    """

    campaign: str
    finding: str
    capability_error: float
    volume: tuple[int, int, int]
    true_volume: int

    @property
    def covered(self) -> bool:
        """Whether the true volume lies between the low and the high figure."""
        return self.volume[0] <= self.true_volume <= self.volume[2]


def described(answer: Mapping[str, Any], recovered: tuple[Recovery, ...], truth: Path) -> tuple[Described, ...]:
    """Each recovered campaign's finding beside the truth; campaigns that were not recovered have none."""
    findings = {finding["campaign_id"]: finding for finding in answer["campaigns"]}
    work = _work(truth)
    return tuple(_described(one, findings[one.finding], work[one.campaign]) for one in recovered if one.matched)


def _described(one: Recovery, finding: Mapping[str, Any], work: Counter[str]) -> Described:
    total = sum(work.values())
    said, true = finding["capabilities"], {name: n / total for name, n in work.items()}
    error = 0.5 * sum(abs(said.get(name, 0.0) - true.get(name, 0.0)) for name in said.keys() | true.keys())
    volume = (finding["exchanges_low"], finding["exchanges"], finding["exchanges_high"])
    return Described(one.campaign, one.finding, round(error, 4), volume, total)


def _work(truth: Path) -> dict[str, Counter[str]]:
    """Extraction exchanges by campaign and capability."""
    import duckdb  # noqa: PLC0415

    rows = duckdb.execute(
        "SELECT campaign, capability, count(*) FROM read_parquet(?) WHERE campaign IS NOT NULL GROUP BY ALL",
        [str(truth / "exchanges.parquet")],
    ).fetchall()
    out: dict[str, Counter[str]] = {}
    for campaign, capability, count in rows:
        out.setdefault(campaign, Counter())[capability] += count
    return out
