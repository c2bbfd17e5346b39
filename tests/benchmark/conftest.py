"""What the tests of the benchmark share."""

from pathlib import Path

import pytest


@pytest.fixture
def workers(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the benchmark scripts' workers, from which modules can be imported."""
    folder = root / "benchmarks" / "workers"
    monkeypatch.syspath_prepend(str(folder))
    return folder
