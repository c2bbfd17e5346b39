"""What all tests share: the data folder beside the checkout, if there is one."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; the test is skipped where it is absent. STILLWATCH_SHARED_DATA names another place."""
    folder = Path(os.environ.get("STILLWATCH_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout (set STILLWATCH_SHARED_DATA to name it)")
    return folder
