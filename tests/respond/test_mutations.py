"""The tests of the ladder can fail: each of these faults, put into a copy of the code, is caught by them."""
# ruff: noqa: E501

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stillwatch

HOUSE = Path(stillwatch.__file__).parent
ROOT = Path(__file__).resolve().parents[2]

FAULTS = {
    "a rule suspends": ("action", "if rung > AUTOMATIC_CEILING:", "if rung > Rung.SUSPEND:"),
    "the last check of a rule's own": ("ladder", "if not action.approvals and why_a_person(action.hit):", "if False:"),
    "one person is enough": ("ladder", "        return 2\n", "        return 1\n"),
    "the cap is one more": ("ladder", "radius > cap", "radius > cap + 1"),
    "who proposed approves": ("ladder", "if by == action.proposed_by:", "if False:"),
    "somebody approves twice": ("ladder", "if any(by == one.by for one in action.approvals):", "if False:"),
    "who approved answers": ("ladder", "any(by == one.by for one in action.approvals):\n        raise UsageError(\n            \"nobody answers", "False:\n        raise UsageError(\n            \"nobody answers"),
    "who proposed answers": ("ladder", "if by == action.proposed_by or any(", "if any("),
    "who took the appeal in answers": ("ladder", "if by == action.appeal.taken_by:", "if False:"),
    "a group that grew is not counted again": ("ladder", "needs = max(action.needs, needed(", "needs = min(action.needs, needed("),
    "a rule by hand begins": ("ladder", "int(bool(by or person", "int(bool(person"),
    "a renewal without bound": ("ladder", "* HOUR, action.bound_at)", "* HOUR, LAST_TIME)"),
    "a renewal during an appeal": ("ladder", "or waits or", "or"),
    "an earlier run renews": ("ladder", "if hit.run_id <= action.hit.run_id:", "if False:"),
    "the customer's clock is long": ("action", "automatic_hours: int = 72", "automatic_hours: int = 73"),
    "the end comes before the appeal's": ("ladder", "action.appeal.due_at <= action.expires_at", "action.appeal.due_at < action.expires_at - 1"),
    "a clock that goes back": ("ladder", "at = max(moment(now), action.touched_at)", "at = moment(now)"),
    "what is over is approved": ("ladder", "    _in_time(action, at)\n    by = person_named(event.by)\n    reason", "    by = person_named(event.by)\n    reason"),
    "a shadow begins": ("ladder", "State.SHADOW if shadow else State.PROPOSED", "State.PROPOSED"),
    "an end an hour late": ("ladder", "return now >= action.expires_at", "return now > action.expires_at"),
    "undone is not an end": ("ladder", "return _closed(action, State.UNDONE", "return _closed(action, State.IN_FORCE"),
    "a passed step-up goes on": ("ladder", 'if is_done(after) else after', 'if False else after'),
    "an appeal is lost with what is passed": ("ladder", 'return replace(after, state=State.PASSED, ended="passed")', 'return _closed(after, State.PASSED, "passed", at)'),
    "nobody answers an appeal against what was passed": ("ladder", "AnswerAppeal: (State.IN_FORCE, State.PASSED)", "AnswerAppeal: (State.IN_FORCE,)"),
    "hours run on after what was passed": ("bounds", "if is_done(action) else action.touched_at", "if False else action.touched_at"),
    "what was never asked is passed": ("ladder", "if event.kind not in left:", "if False:"),
    "a step-up is passed after its end": ("ladder", "    _in_time(action, at)\n    by, left", "    by, left"),
    "gateways ask for what was passed": ("notices", "obligations=obligations_left(action)", "obligations=hit.obligations"),
    "what was passed is asked again": ("challenges", "if not is_new(latest[kind].at)", "if False"),
    "what was passed speaks against other rules": ("bounds", "action.state == State.PASSED or now", "now"),
    "a proposal asks what was passed since": ("bounds", "done = passed_since(earlier, action)", "done = ''"),
    "an undo beside what was passed is not told": ("bounds", "(_taken_back_since(earlier, action), asked)", "(asked or _taken_back_since(earlier, action),)"),
    "a second appeal": ("ladder", "if action.appeal is not None:\n        waits", "if False:\n        waits"),
    "no reason": ("action", "stated(\"reason\", hit.reason)", "pass"),
    "no clause": ("action", "stated(\"clause\", hit.clause)", "pass"),
    "no appeal": ("ladder", "appeal_address(terms.appeal_url)", "pass"),
    "a limit that shuts out": ("action", "value < LOWEST.get(name, 0)", "value < 0"),
    "a limit that shuts a group out": ("action", "value < least", "False"),
    "a limit by the accounts of others": ("bounds", "for name in names if is_shared(hit) else ():", "for name in names:"),
    "a hold as a limit": ("action", "if hit.rung < least:", "if False:"),
    "any letters in a name": ("action", "[a-z0-9]+([._@+-][a-z0-9]+)*", "[^ ]{1,99}"),
    "automatic hours of another rule": ("bounds", "total += max(0, end - max(start, reached))", "total = max(total, end - start)"),
    "one person's proposals stop rules": ("bounds", "if not is_one_persons(action)", "if True"),
    "an undo is forgotten": ("bounds", "(State.UNDONE, State.LAPSED)", "(State.LAPSED,)"),
    "a moot appeal is forgotten": ("bounds", "(Outcome.OPEN, Outcome.MOOT)", "(Outcome.OPEN,)"),
    "a forged action stands": ("ladder", "people >= action.needs and (people > 0 or not why_a_person(action.hit))", "True"),
    "a notice that tells the campaign": ("notices", "why=WHY[hit.reason_code]", "why=hit.reason"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_caught(fault: str, tmp_path: Path) -> None:
    file, right, wrong = FAULTS[fault]
    copy = tmp_path / "stillwatch"
    shutil.copytree(HOUSE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    place = copy / "respond" / f"{file}.py"
    held = place.read_text()
    assert held.count(right) >= 1, "the code has changed: seed the fault anew"
    place.write_text(held.replace(right, wrong))
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", "tests/respond"]
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, f"no test noticed: {fault}\n{done.stdout[-2000:]}"
    assert "Error" in done.stdout and "ImportError" not in done.stdout and "SyntaxError" not in done.stdout
