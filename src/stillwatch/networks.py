"""What is known of a network address: its block, autonomous system, country and class.

The tables ship with the package (`data/networks/`, made by `scripts/make_networks.py`; attribution in NOTICE). They
know IPv4 ranges in full and, for IPv6, the classes only. The classes are `hosting`, `vpn` and `relay`; null means that
the tables do not know, never that the address is a home. No list of Tor exits ships: `tor` never comes from here.
An operator evades this file with residential proxies: then asn and country are those of the proxy's exit.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.errors import SourceError

SHIPPED = Path(__file__).parent / "data" / "networks"
RESOLVED = pa.schema(
    [
        pa.field("address", pa.string()),
        pa.field("block", pa.string()),
        pa.field("asn", pa.int64()),
        pa.field("country", pa.string()),
        pa.field("ip_class", pa.string()),
        pa.field("org", pa.string()),
    ]
)
CLASSES = ("", "hosting", "vpn", "relay")
"""What the class columns of the tables hold, by index."""

_OCTET = r"25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]"
# A leading zero is refused: some readers take 010 for eight.
_IPV4 = rf"^(?P<a>{_OCTET})\.(?P<b>{_OCTET})\.(?P<c>{_OCTET})\.(?P<d>{_OCTET})\z"
_LONGEST_IPV6 = 45
_MAPPED = bytes(10) + b"\xff\xff"

# RFC 6890 and its successors: addresses that belong to nobody's autonomous system.
_RESERVED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
)  # fmt: skip

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Runs:
    """Values over a line of numbers: ``values[i]`` holds from ``starts[i]`` until the next start; 0 means unknown."""

    starts: Array
    values: Array

    def at(self, points: Array) -> Array:
        """The value at each point; ``starts`` begins with 0, so every point has one."""
        return self.values[np.searchsorted(self.starts, points, side="right") - 1]


@dataclass(frozen=True)
class NetworkTable:
    """Ranges of addresses and what is known of them.

    IPv4 runs lie over uint32 addresses, the IPv6 run over the upper 64 bits. ``asns`` is sorted; ``orgs`` and
    ``asn_classes`` stand beside it, row by row.
    """

    asn_v4: Runs
    country_v4: Runs
    class_v4: Runs
    class_v6: Runs
    asns: Array
    orgs: pa.StringArray
    asn_classes: Array

    def resolve(self, addresses: pa.StringArray | pa.ChunkedArray | Sequence[str | None]) -> pa.Table:
        """Look every address up; row i of the answer belongs to row i of the input, repeats included.

        ``block`` is the /24 of an IPv4 address and the /48 of an IPv6 one. It is null for null, for a pseudonym
        (``hmac:<key id>:<hex>``) and for whatever is no address: such a value is an opaque token by itself. An
        IPv4-mapped IPv6 address counts as IPv4. Private and reserved addresses keep their block and get no asn,
        country, class or organisation. Never raises for the content of a string.

        Returns:
            A table with the columns of ``RESOLVED``.
        """
        column = _as_strings(addresses)
        encoded = column.dictionary_encode()
        distinct = self._resolve_distinct(encoded.dictionary)
        return pa.table([column, *(c.take(encoded.indices) for c in distinct)], schema=RESOLVED)

    def _resolve_distinct(self, names: pa.StringArray) -> list[pa.Array]:
        v4, is_v4 = _parse_ipv4(names)
        v6, is_v6 = _parse_ipv6(names, v4, is_v4)
        known = is_v4 & ~_reserved(v4)
        asn = np.where(known, self.asn_v4.at(v4), 0)
        place = np.minimum(np.searchsorted(self.asns, asn), len(self.asns) - 1)
        named = (asn > 0) & (self.asns[place] == asn)
        listed = np.where(known, self.class_v4.at(v4), np.where(is_v6, self.class_v6.at(v6), 0))
        classes = np.where(listed > 0, listed, np.where(named, self.asn_classes[place], 0))
        # A list of data centres says "hosting" of VPN providers too: the organisation's own name is sharper.
        classes = np.where((classes == 1) & named & (self.asn_classes[place] == 2), 2, classes)
        return [
            _blocks(v4, is_v4, v6, is_v6),
            pa.array(asn.astype(np.int64), mask=asn == 0),
            _countries(np.where(known, self.country_v4.at(v4), 0)),
            pa.array(CLASSES).take(pa.array(classes.astype(np.int64), mask=classes == 0)),
            self.orgs.take(pa.array(place, mask=~named)),
        ]


def load(path: str | None = None) -> NetworkTable:
    """Read the tables that ship with the package, or a folder of the same files made by `scripts/make_networks.py`.

    Raises:
        SourceError: a file is missing, unreadable, or lacks a column.
    """
    folder = SHIPPED if path is None else Path(path)
    asns = _read(folder / "asns.parquet", ("start", "org", "class"))
    return NetworkTable(
        asn_v4=_runs(folder / "asn_v4.parquet"),
        country_v4=_runs(folder / "country_v4.parquet"),
        class_v4=_runs(folder / "class_v4.parquet"),
        class_v6=_runs(folder / "class_v6.parquet"),
        asns=asns["start"].to_numpy(),
        orgs=asns["org"].cast(pa.string()).combine_chunks(),
        asn_classes=asns["class"].to_numpy(),
    )


def _read(file: Path, columns: tuple[str, ...]) -> pa.Table:
    try:
        return pq.read_table(file, columns=list(columns)).select(list(columns))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SourceError(
            "the network table cannot be read",
            where=str(file),
            found=type(error).__name__,
            wanted=f"a Parquet file with the columns {', '.join(columns)}",
            next_step="make the folder with scripts/make_networks.py, or leave it out to use the shipped one",
        ) from error


def _runs(file: Path) -> Runs:
    table = _read(file, ("start", "value"))
    starts = table["start"].to_numpy()
    if len(starts) == 0 or starts[0] != 0 or not np.all(starts[1:] > starts[:-1]):
        raise SourceError(
            "the ranges are out of order",
            where=str(file),
            found="starts that do not rise from 0",
            wanted="rising starts",
        )
    return Runs(starts, table["value"].to_numpy())


def _as_strings(addresses: pa.StringArray | pa.ChunkedArray | Sequence[str | None]) -> pa.StringArray:
    if isinstance(addresses, pa.ChunkedArray):
        addresses = addresses.combine_chunks()
    array = addresses if isinstance(addresses, pa.Array) else pa.array(addresses, pa.string())
    return array.cast(pa.string())


def _parse_ipv4(names: pa.StringArray) -> tuple[Array, Array]:
    """Addresses as uint32 (0 where it is none) and which rows are IPv4."""
    parts = pc.extract_regex(names, _IPV4)
    valid = pc.is_valid(parts).to_numpy(zero_copy_only=False)
    number = np.zeros(len(names), np.uint32)
    for octet in parts.flatten():
        number = number * np.uint32(256) + octet.cast(pa.uint32()).fill_null(0).to_numpy(zero_copy_only=False)
    return number, valid


def _parse_ipv6(names: pa.StringArray, v4: Array, is_v4: Array) -> tuple[Array, Array]:
    """Upper 64 bits and which rows are IPv6. An IPv4-mapped address is written into ``v4`` and ``is_v4`` instead."""
    upper, is_v6 = np.zeros(len(names), np.uint64), np.zeros(len(names), np.bool_)
    likely = pc.and_(pc.match_substring(names, ":"), pc.less_equal(pc.binary_length(names), _LONGEST_IPV6))
    for row in np.flatnonzero(likely.fill_null(False).to_numpy(zero_copy_only=False)):
        packed = _packed_ipv6(names[int(row)].as_py())
        if packed is None:
            continue
        if packed.startswith(_MAPPED):
            v4[row], is_v4[row] = int.from_bytes(packed[12:]), True
        else:
            upper[row], is_v6[row] = int.from_bytes(packed[:8]), True
    return upper, is_v6


def _packed_ipv6(text: str) -> bytes | None:
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None


def _reserved(v4: Array) -> Array:
    answer = np.zeros(len(v4), np.bool_)
    for network in map(ipaddress.IPv4Network, _RESERVED):
        mask = np.uint32(int(network.netmask))
        answer |= (v4 & mask) == np.uint32(int(network.network_address))
    return answer


def _blocks(v4: Array, is_v4: Array, v6: Array, is_v6: Array) -> pa.Array:
    octets = pa.array([str(number) for number in range(256)])
    parts = [octets.take(pa.array((v4 >> np.uint32(shift)) & np.uint32(255))) for shift in (24, 16, 8)]
    short = pc.binary_join_element_wise(*parts, "0/24", ".")
    prefixes, place = np.unique(v6 >> np.uint64(16), return_inverse=True)
    long = pa.array([_block_v6(int(prefix)) for prefix in prefixes], pa.string()).take(pa.array(place))
    return pc.if_else(pa.array(is_v4), short, pc.if_else(pa.array(is_v6), long, pa.scalar(None, pa.string())))


def _block_v6(prefix: int) -> str:
    return str(ipaddress.IPv6Network((prefix << 80, 48)))


def _countries(codes: Array) -> pa.Array:
    distinct, place = np.unique(codes, return_inverse=True)
    names = [chr(code >> 8) + chr(code & 255) if code else None for code in distinct.tolist()]
    return pa.array(names, pa.string()).take(pa.array(place))
