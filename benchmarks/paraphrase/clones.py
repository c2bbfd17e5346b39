"""Reading a public repository that the user has cloned, with a work tree or bare, by `git` alone."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clone:
    """One clone; files are read as committed at HEAD."""

    folder: Path
    name: str

    def commit(self) -> str:
        """The commit that is read."""
        return self._git("rev-parse", "HEAD").decode().strip()

    def files(self, under: str = "") -> list[str]:
        """Paths of the files that the clone holds, in order; a clone without its largest files is read without them."""
        rows = self._git("ls-tree", "-r", "-l", "-z", "HEAD", *([under] if under else [])).decode().split("\0")
        return [row.split("\t", 1)[1] for row in rows if row and row.split(None, 4)[3].isdigit()]

    def text(self, path: str) -> str:
        """One file; what is no UTF-8 is replaced."""
        return self._git("show", f"HEAD:{path}").decode("utf-8", "replace")

    def _git(self, *arguments: str) -> bytes:
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{self.folder}: cannot read this clone of {self.name}: {done.stderr.decode().strip()}")
        return done.stdout
