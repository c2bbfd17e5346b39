"""Records of somebody's own logs into columns of the contract, a record at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stillwatch.ingest.formats import BY_NAME, Exchange, renamed
from stillwatch.ingest.jsonl import Columns
from stillwatch.ingest.lines import Fault
from stillwatch.ingest.mapping import FieldMap
from stillwatch.tables import EXCHANGES

UNREADABLE = "record that cannot be read"
DEEP = ("record nested too deeply", "flatter record")


class ForeignReader:
    """Reads records of one format under one mapping; remembers from which places the columns came."""

    def __init__(self, format: str, fields: FieldMap) -> None:
        """`format` is a name of `formats.FORMATS`; what the fields leave to each line's shape stays so."""
        self._fields = fields
        self._read: Exchange = (None if fields.dialect == "canonical" else BY_NAME[format].read) or renamed

    def columns(self, records: Sequence[Mapping[str, Any]], rows: Sequence[int]) -> tuple[Columns, list[Fault]]:
        """Columns of the records that could be read, and a fault for each that could not. `rows` are their places."""
        out: list[dict[str, Any]] = []
        places: list[int] = []
        faults: list[Fault] = []
        used: set[tuple[str, str]] = set()
        for record, row in zip(records, rows, strict=True):
            try:
                exchange, found = self._read(record, self._fields)
            except RecursionError:
                faults.append(Fault(row, *DEEP))
                continue
            except Exception as error:  # a fault of ours: it costs this record, not its neighbours
                faults.append(Fault(row, f"{UNREADABLE} ({type(error).__name__})", "record that this reader knows"))
                continue
            used |= {(name, ".".join(path)) for name, path in found.items()}
            out.append(exchange)
            places.append(row)
        names = [name for name in EXCHANGES.names if any(name in exchange for exchange in out)]
        columns = {name: [exchange.get(name) for exchange in out] for name in names}
        return Columns(columns, np.asarray(places, dtype=np.int64), places=frozenset(used)), faults
