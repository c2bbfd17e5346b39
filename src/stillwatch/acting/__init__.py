"""What people and rules do by way of the ladder, what time does, and who may openly do what."""

from stillwatch.acting.actions import (
    Proposed,
    answer_appeals,
    approve,
    decline,
    open_appeal,
    open_appeals,
    propose,
    sweep,
    undo,
)
from stillwatch.acting.by_policy import WITHIN, Acted, act, judge
from stillwatch.acting.publishing import publish, publish_after_erasure
from stillwatch.respond.action import Terms

__all__ = [
    "WITHIN",
    "Acted",
    "Proposed",
    "Terms",
    "act",
    "answer_appeals",
    "approve",
    "decline",
    "judge",
    "open_appeal",
    "open_appeals",
    "propose",
    "publish",
    "publish_after_erasure",
    "sweep",
    "undo",
]
