"""Build the address table that ships in the package from reference ranges.

    python scripts/make_networks.py REFERENCE_FOLDER OUT_FOLDER

REFERENCE_FOLDER holds `ip_asn_v4.parquet` (RouteViews, DB-IP, NRO; CC-BY-4.0), `ip_country_v4.parquet` (NRO) and
`ip_lists_misp.parquet` (MISP warning lists, CC0). The same input gives the same tables. A run table lists where a value
begins and holds until the next row; gaps are rows with the value 0, so that no `end` column is needed.
"""

import ipaddress
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Uint64s = npt.NDArray[np.uint64]

HOSTING_LISTS = (
    "akamai", "amazon-aws", "cloudflare", "fastly", "google-gcp", "microsoft-azure", "microsoft-azure-china",
    "ovh-cluster",
)  # fmt: skip
# MISP describes the list as "common VPN providers and datacenters": alone it shows a data centre, not a VPN.
MIXED_LISTS = ("vpn-ipv4", "vpn-ipv6")
RELAY_LISTS = ("icloud-private-relay",)

VPN_ORGS = re.compile(
    r"\b(m247|datacamp|mullvad|nordvpn|tefincom|expressvpn|proton ?(ag|vpn)|private internet access|surfshark|ipvanish"
    r"|31173 services|cdn77|packethub|privado|\w*vpn)\b",
    re.IGNORECASE,
)
HOSTING_ORGS = re.compile(
    r"hosting|\bhost\b|data ?cent(er|re)|\bvps\b|dedicated server|\bservers?\b|coloc|\bcolo\b|\bcloud\b|amazon"
    r"|digitalocean|hetzner|\bovh\b|linode|akamai|vultr|constant company|leaseweb|contabo|scaleway|online s\.a\.s|ionos"
    r"|oracle|microsoft corporation|google llc|alibaba|aliyun|tencent|huawei cloud|ucloud|fastly|cloudflare|equinix"
    r"|rackspace|softlayer|upcloud|hostinger|namecheap|godaddy|dreamhost|kamatera|zenlayer|psychz|quadranet|colocrossing"
    r"|hostwinds|g-core|gcore|interserver|worldstream|nforce|aruba s\.p\.a|netcup|stark industries|frantech|choopa",
    re.IGNORECASE,
)
CLASSES = ("", "hosting", "vpn", "relay")


def org_class(name: str) -> int:
    """Index in CLASSES that an organisation's name shows: vpn before hosting, 0 where the name tells nothing."""
    if VPN_ORGS.search(name):
        return CLASSES.index("vpn")
    return CLASSES.index("hosting") if HOSTING_ORGS.search(name) else 0


def runs(starts: Uint64s, ends: Uint64s, values: Uint64s) -> tuple[Uint64s, Uint64s]:
    """Disjoint sorted ranges (inclusive ends) to (starts, values) with gaps as 0 and equal neighbours merged."""
    after = ends + np.uint64(1)
    gap = np.append(starts[1:] != after[:-1], True)
    edges = np.concatenate([starts, after[gap], np.zeros(1, np.uint64)])
    marks = np.concatenate([values, np.zeros(int(gap.sum()) + 1, np.uint64)])
    # At an equal edge the range's own row wins over the leading zero row.
    order = np.lexsort((-marks.astype(np.int64), edges))
    edges, marks = edges[order], marks[order]
    first = np.append(True, edges[1:] != edges[:-1])
    edges, marks = edges[first], marks[first]
    change = np.append(True, marks[1:] != marks[:-1])
    return edges[change], marks[change]


def union(networks: Iterable[tuple[int, int]]) -> tuple[Uint64s, Uint64s]:
    """Possibly overlapping (first, last) ranges to disjoint sorted ones."""
    merged: list[list[int]] = []
    for first, last in sorted(networks):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    table = np.array(merged, np.uint64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def list_ranges(lists: pa.Table, names: tuple[str, ...], version: int) -> list[tuple[int, int]]:
    """Ranges of the named lists: whole addresses for IPv4, the upper 64 bits for IPv6 (none longer)."""
    found = []
    for name, value in zip(lists["list"].to_pylist(), lists["value"].to_pylist(), strict=True):
        if name not in names:
            continue
        network = ipaddress.ip_network(value, strict=False)
        if network.version != version or (version == 6 and network.prefixlen > 64):
            continue
        shift = 0 if version == 4 else 64
        found.append((int(network.network_address) >> shift, int(network.broadcast_address) >> shift))
    return found


def class_runs(lists: pa.Table, version: int) -> tuple[Uint64s, Uint64s]:
    """Runs of address classes from the lists; relay lies over hosting."""
    layers = ((HOSTING_LISTS + MIXED_LISTS, "hosting"), (RELAY_LISTS, "relay"))
    tables = []
    for names, word in layers:
        starts, ends = union(list_ranges(lists, names, version))
        tables.append(runs(starts, ends, np.full(len(starts), CLASSES.index(word), np.uint64)))
    edges = np.unique(np.concatenate([table[0] for table in tables]))
    marks = np.zeros(len(edges), np.uint64)
    for starts, values in tables:
        here = values[np.searchsorted(starts, edges, side="right") - 1]
        marks = np.where(here > 0, here, marks)
    change = np.append(True, marks[1:] != marks[:-1])
    return edges[change], marks[change]


def write(path: Path, columns: dict[str, pa.Array]) -> None:
    """Write one table, delta-encoded starts, best compression, no machine's name or path in it."""
    encodings = {name: "DELTA_BINARY_PACKED" for name, column in columns.items() if name == "start"}
    pq.write_table(
        pa.table(columns), path, compression="zstd", compression_level=19, use_dictionary=["value"],
        column_encoding=encodings, store_schema=False,
    )  # fmt: skip


def make_asns(reference: Path, out: Path) -> None:
    """Write `asn_v4` (where an ASN's range begins) and `asns` (its organisation and the class its name shows)."""
    table = pq.read_table(reference / "ip_asn_v4.parquet").sort_by("start")
    starts, asns = runs(*(table[name].to_numpy().astype(np.uint64) for name in ("start", "end", "asn")))
    write(
        out / "asn_v4.parquet", {"start": pa.array(starts.astype(np.uint32)), "value": pa.array(asns.astype(np.uint32))}
    )
    orgs = dict(zip(table["asn"].to_pylist(), table["org"].cast(pa.string()).to_pylist(), strict=True))
    numbers = sorted(number for number in orgs if number)
    names = [orgs[number] or "" for number in numbers]
    write(
        out / "asns.parquet",
        {
            "start": pa.array(numbers, pa.uint32()),
            "org": pa.array(names),
            "class": pa.array([org_class(name) for name in names], pa.uint8()),
        },
    )


def make_countries(reference: Path, out: Path) -> None:
    """Write `country_v4`; a country is packed as its two letters, first letter * 256 + second."""
    table = pq.read_table(reference / "ip_country_v4.parquet").sort_by("start")
    codes = [ord(cc[0]) * 256 + ord(cc[1]) for cc in table["cc"].cast(pa.string()).to_pylist()]
    starts, values = runs(
        table["start"].to_numpy().astype(np.uint64),
        table["end"].to_numpy().astype(np.uint64),
        np.array(codes, np.uint64),
    )
    write(
        out / "country_v4.parquet",
        {"start": pa.array(starts.astype(np.uint32)), "value": pa.array(values.astype(np.uint16))},
    )


def make_classes(reference: Path, out: Path) -> None:
    """Write `class_v4` and `class_v6` (by the upper 64 bits)."""
    lists = pq.read_table(reference / "ip_lists_misp.parquet")
    for version, width in ((4, np.uint32), (6, np.uint64)):
        starts, values = class_runs(lists, version)
        write(
            out / f"class_v{version}.parquet",
            {"start": pa.array(starts.astype(width)), "value": pa.array(values.astype(np.uint8))},
        )


def main() -> None:
    """Read the reference folder, write the five tables, print their sizes."""
    reference, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    make_asns(reference, out)
    make_countries(reference, out)
    make_classes(reference, out)
    for path in sorted(out.glob("*.parquet")):
        print(f"{path.name}\t{path.stat().st_size}\t{pq.read_metadata(path).num_rows} rows", file=sys.stderr)


if __name__ == "__main__":
    main()
