"""Where a command may write a file for its user."""

from pathlib import Path

from stillwatch.errors import StoreError, UsageError


def place_of(out: Path, store: Path, example: str) -> Path:
    """The file to write, behind links. Only a plain file outside of the store is replaced: a folder or a device is not.

    Raises UsageError where it is none, with `example` as a name that would do, StoreError where it cannot be reached.
    """
    try:
        place, inside = out.resolve(), store.resolve()
        is_folder, is_other = place.is_dir(), place.exists() and not place.is_file()
    except (OSError, RuntimeError) as error:  # a folder that we may not enter; links in a circle
        raise StoreError("cannot write (the place cannot be reached)", where=str(out)) from error
    if is_folder:
        raise UsageError("--out names a folder", where=str(out), wanted="a file", next_step=f"--out {out / example}")
    if is_other:
        raise UsageError("--out names something that is no plain file", where=str(out), wanted="a file to write")
    if place.is_relative_to(inside):
        raise UsageError("--out lies inside of the store", where=str(out), wanted=f"a file outside of {store}")
    return place
