"""A benchmark's result by hand, for the tests of its page and of its keys."""

from typing import Any

from stillwatch.benchmark.measure import Share
from stillwatch.benchmark.plain import per, share, together

AT_A_LIMIT = ("no honest", "honest <= 1e-4", "honest <= 1e-3", "precision >= .99")


def part(k: int, n: int) -> dict[str, float]:
    return share(Share(k, n))


def world(name: str = "mixed", *, campaigns: bool = True, rivals: int = 2) -> dict[str, Any]:
    """One of two campaigns found, one of 400 honest accounts accused."""
    found = [
        {"campaign": "copper", "members": 30, "finding": "C-000000000001", "purity": 0.9, "completeness": 0.8,
         "matched": True},
        {"campaign": "willow", "members": 12, "finding": "", "purity": 0.0, "completeness": 0.0, "matched": False},
    ]  # fmt: skip
    cost = {
        "accounts": 32,
        "cards": 1,
        "shared_exits": 36,
        "stolen_keys": 0,
        "paraphrases": 9,
        "cover": 99,
        "rented": 7,
    }
    return {
        "scenario": name, "seed": 5, "scale": 0.1, "exchanges": 9_000, "accounts": 450,
        "campaigns": [
            {"campaign": row["campaign"], "provider": "p", "capabilities": {"cot_elicitation": 1.0}, "accounts": 30,
             "victims": 1, "extraction_exchanges": 100, "cost": cost} for row in found
        ] if campaigns else [],
        "findings": {"suspected": 1, "dismissed": 2},
        "measure": {
            "recovered": found if campaigns else [],
            "precision": part(27, 30), "recall": part(20, 30), "recall_few": part(3, 10),
            "false_accounts": part(1, 400), "false_groups": part(0, 3), "ambiguous_honest": part(2, 400),
            "operators_in_review": part(0, 40), "named": part(24, 30), "honest_named": part(3, 400),
            "accused_by_cohort": {"chat": part(1, 390), "a_class": part(0, 10)},
            "victims_named_operator": part(2, 5), "permitted_accused": part(0, 4),
        },
        "per_100k_honest": per(Share(1, 400)), "groups_per_100k_honest": per(Share(0, 400)),
        "described": [{"campaign": "copper", "finding": "C-000000000001", "capability_error": 0.25,
                       "volume": [90, 110, 130], "true_volume": 140, "covered": False}] if campaigns else [],
        "probabilities": [{"low": 0.0, "high": 0.5, "stated": 0.0, "operators": part(0, 0)},
                          {"low": 0.9, "high": 1.0, "stated": 0.98, "operators": part(10, 20)}],
        "likelihoods": [{"word": "likely", "low": 0.55, "high": 0.8, "campaigns": part(1, 2)}],
        "leaked": [{"campaign": "copper", "exchanges": 100, "day": 5, "share": 0.4, "shown_day": 2, "shown_share": 0.1},
                   {"campaign": "willow", "exchanges": 100, "day": None, "share": 1.0, "shown_day": 5,
                    "shown_share": 0.5}] if campaigns else [],
        "e_values": [{"family": "timing", "candidates": 8, "mean_e": 0.2, "error": 0.1, "large": part(0, 3),
                      "false_worlds": part(0, 3)},
                     {"family": "client", "candidates": 0, "mean_e": None, "error": None, "large": part(0, 3),
                      "false_worlds": part(0, 3)}],
        "rivals": [rival(f"rival {at}", 10 + at) for at in range(rivals)],
        "seconds": {"ingest": 2.0, "detect": 3.0}, "cpu_seconds": {"ingest": 1.5, "detect": 2.5}, "peak_mib": 400,
        "bytes_an_exchange": 146.2,
    }  # fmt: skip


def rival(name: str, right: int) -> dict[str, Any]:
    def point(at: str, k: int) -> dict[str, Any]:
        return {"name": at, "threshold": None, "precision": part(k, 40), "recall": part(k, 30), "setting": "all",
                "recall_few": part(0, 10), "false_accounts": part(0, 400), "f1": round(2 * k / 70, 4)}  # fmt: skip

    points = [point("best F1", right), *(point(at, 0) for at in AT_A_LIMIT)]
    return {"name": name, "settings": 3, "points": points, "cpu_seconds": 0.5,
            "groups": {"campaigns": 1, "of": 2, "honest_groups": 4}}  # fmt: skip


def result(*worlds: dict[str, Any]) -> dict[str, Any]:
    held = list(worlds) or [world(), world("quiet", campaigns=False, rivals=0)]
    return {"schema": "stillwatch/benchmark/v1", "version": "0", "command": "stillwatch benchmark --quick",
            "machine": "2 cores", "simulated": True, "seconds": 9.0, "together": together(held),
            "worlds": held}  # fmt: skip
