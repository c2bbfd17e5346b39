"""What people and rules do by way of the ladder, what time does, and who may openly do what."""

from stillwatch.acting.actions import (
    APPEALED,
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
from stillwatch.acting.newest import approve_what_holds
from stillwatch.acting.passing import passed
from stillwatch.acting.publishing import publish, publish_after_erasure
from stillwatch.respond.action import Terms

__all__ = [
    "APPEALED",
    "Proposed",
    "Terms",
    "answer_appeals",
    "approve",
    "approve_what_holds",
    "decline",
    "open_appeal",
    "open_appeals",
    "passed",
    "propose",
    "publish",
    "publish_after_erasure",
    "sweep",
    "undo",
]
