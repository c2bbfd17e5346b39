"""Records of somebody's own logs into columns of the contract, a record at a time."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stillwatch.ingest.columns import JSON_COLUMNS
from stillwatch.ingest.formats import BY_NAME, Exchange, renamed
from stillwatch.ingest.jsonl import Columns, with_texts
from stillwatch.ingest.lines import Fault
from stillwatch.ingest.mapping import FieldMap
from stillwatch.ingest.paths import Path
from stillwatch.tables import EXCHANGES

UNREADABLE = "record that cannot be read"
DEEP = ("record nested too deeply", "flatter record")


class ForeignReader:
    """Reads records of one format under one mapping; remembers from which places the columns came."""

    def __init__(self, format: str, fields: FieldMap) -> None:
        """`format` is a name of `formats.FORMATS`; what the fields leave to each line's shape stays so."""
        self.fields = fields
        self._read: Exchange = (None if fields.dialect == "canonical" else BY_NAME[format].read) or renamed

    def columns(
        self, records: Iterable[tuple[Mapping[str, Any], int]], *, from_json: bool
    ) -> tuple[Columns, list[Fault]]:
        """Columns of the records that could be read, and a fault for each that could not.

        Each record comes with its place. `from_json` says that it holds nothing but what JSON can say.
        """
        out: list[dict[str, Any]] = []
        places: list[int] = []
        faults: list[Fault] = []
        used: set[tuple[str, Path]] = set()
        before: Mapping[str, Path] = {}
        for record, row in records:
            try:
                exchange, found = self._read(record, self.fields)
            except RecursionError:
                faults.append(Fault(row, *DEEP))
                continue
            except Exception as error:  # a fault of ours: it costs this record, not its neighbours
                faults.append(Fault(row, f"{UNREADABLE} ({type(error).__name__})", "record that this reader knows"))
                continue
            if found != before:
                used.update(found.items())
                before = found
            out.append(with_texts(exchange, JSON_COLUMNS) if from_json else exchange)
            places.append(row)
        names = {name for exchange in out for name in exchange}
        columns = {name: [exchange.get(name) for exchange in out] for name in EXCHANGES.names if name in names}
        found_at = frozenset((name, ".".join(path)) for name, path in used)
        return Columns(columns, np.asarray(places, dtype=np.int64), places=found_at), faults
