"""A process that kills itself at a chosen step of writing, as a loss of power would."""

import os
import signal
from collections.abc import Callable

from stillwatch.store import files


def child_that_dies(step: str, time: int, work: Callable[[], object]) -> int:
    """Do the work in a child that kills itself when it reaches a step that often: the child's process id."""
    child = os.fork()
    if child:
        return child
    left = [time]

    def reached(name: str) -> None:
        left[0] -= name == step
        if left[0] == 0 and name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    files.reached = reached
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)
