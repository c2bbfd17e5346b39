"""Check the prose: every relative link and anchor leads somewhere, every command has a `console` example.

Prints one line a fault and exits with 1 if there is one. `tests/test_house.py` runs the examples themselves.
"""

import re
import subprocess
import sys
from pathlib import Path

from stillwatch.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file that git knows or would take up, sorted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(ROOT / name for name in set(names) if name and (ROOT / name).is_file())


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def link_faults(document: Path) -> list[str]:
    """What is wrong with the document's relative links; links to the web are not followed."""
    faults = []
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (document.parent / name).resolve() if name else document
        if not place.exists():
            faults.append(f"{document.relative_to(ROOT)}: link to {target}: no such file")
        elif anchor and place.suffix == ".md" and anchor not in anchors(place):
            faults.append(f"{document.relative_to(ROOT)}: link to {target}: no such heading")
    return faults


def examples(text: str) -> list[str]:
    """The commands of a document's `console` blocks in order, without their prompt; a backslash joins lines."""
    lines = "\n".join(CONSOLE.findall(text)).replace("\\\n", " ").split("\n")
    return [line[2:] for line in lines if line.startswith("$ ")]


def command_faults(texts: list[str]) -> list[str]:
    """Commands of the list that no example shows."""
    shown = {line.split()[1] for text in texts for line in examples(text) if line.startswith("stillwatch ")}
    return [f"docs: no `console` example shows `stillwatch {c.name}`" for c in COMMANDS if c.name not in shown]


def faults() -> list[str]:
    """Everything that is wrong with the prose."""
    found = documents()
    docs = [document.read_text() for document in found if document.is_relative_to(ROOT / "docs")]
    return [fault for document in found for fault in link_faults(document)] + command_faults(docs)


def main() -> int:
    """Print the faults; 1 if there are any."""
    found = faults()
    print("\n".join(found) if found else "docs: every link leads somewhere, every command has an example")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
