"""What all tests share: the data folder beside the checkout, if there is one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
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


def key_in(folder: Path) -> Path:
    """A store's key in a file that nobody else may read."""
    path = folder / "key"
    path.touch(0o600)
    path.write_bytes(bytes(range(32)))
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The file of a store's key, apart from any store."""
    return key_in(tmp_path)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key; the test is skipped where there is no openssl."""
    command = shutil.which("openssl")
    if command is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    cert, secret = folder / "cert.pem", folder / "key.pem"
    line = [
        command,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    line += [
        "-subj",
        "/CN=loopback",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(secret),
        "-out",
        str(cert),
    ]
    subprocess.run(line, check=True, capture_output=True)
    return cert, secret


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium, which looks at pages as a reader's browser does; the test is skipped where none is."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here to look at the page with (on Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a small simulated world with every population. Nobody may write in it."""
    from stillwatch.worlds import world as worlds

    folder = tmp_path_factory.mktemp("world")
    worlds.write(worlds.simulate("mixed", 3, 0.02), folder / "logs", folder / "truth")
    return folder / "logs"


@pytest.fixture(scope="session", autouse=True)
def _users_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests make keys in a data folder of their own, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield
