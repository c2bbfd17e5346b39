"""What makes entities comparable: region, tier and age band, from which strata are built."""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stillwatch.linkage.incidence import Indices

AGE_DAYS = (14, 60, 365)

# Countries by the part of the day in which they wake, four coarse bands of UTC offsets.
AMERICAS = "AG AI AR AW BB BL BM BO BQ BR BS BZ CA CL CO CR CU CW DM DO EC FK GD GF GP GT GY HN HT JM KN KY LC MF MQ MS MX NI PA PE PM PR PY SR SV SX TC TT US UY VC VE VG VI"  # noqa: E501
EUROPE_AFRICA = "AD AL AO AT BA BE BF BG BI BJ BW BY CD CF CG CH CI CM CV CY CZ DE DJ DK DZ EE EG EH ER ES ET FI FO FR GA GB GG GH GI GL GM GN GQ GR GW HR HU IE IL IM IS IT JE JO KE KM LB LI LR LS LT LU LV LY MA MC MD ME MG MK ML MR MT MU MW MZ NA NE NG NL NO PL PS PT RE RO RS RW SC SD SE SH SI SK SL SM SN SO SS ST SY SZ TD TG TN TR TZ UA UG VA XK YT ZA ZM ZW"  # noqa: E501
WEST_ASIA = "AE AF AM AZ BD BH BT GE IN IQ IR KG KW KZ LK MV NP OM PK QA RU SA TJ TM UZ YE"
EAST = "AS AU BN CC CK CN CX FJ FM GU HK ID JP KH KI KP KR LA MH MM MN MO MP MY NC NF NR NU NZ PF PG PH PN PW SB SG TH TK TL TO TV TW VN VU WF WS"  # noqa: E501
REGION = {
    code: place
    for place, codes in enumerate((AMERICAS, EUROPE_AFRICA, WEST_ASIA, EAST), start=1)
    for code in codes.split()
}


def stratifications(accounts: pa.Table, entity: NDArray[np.int32], n: int) -> tuple[tuple[Indices, ...], ...]:
    """Two alternative keys over entities: (age band, region) and (age band, tier). An unknown value is a code of its
    own.

    An entity takes the smallest known code of its accounts' region and tier and the age of its oldest account.
    """
    region = _least([REGION.get(code or "", 0) for code in accounts["billing_country"].to_pylist()], entity, n)
    tiers = accounts["tier"].to_pylist()
    names = {tier: place for place, tier in enumerate(sorted({t for t in tiers if t}), start=1)}
    tier = _least([names.get(value or "", 0) for value in tiers], entity, n)
    age = _age_band(accounts, entity, n)
    return ((age, region), (age, tier))


def _least(codes: list[int], entity: NDArray[np.int32], n: int) -> Indices:
    known = np.array([code or np.iinfo(np.int32).max for code in codes], dtype=np.int32)
    out = np.full(n, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(out, entity, known)
    out[out == np.iinfo(np.int32).max] = 0
    return out


def _age_band(accounts: pa.Table, entity: NDArray[np.int32], n: int) -> Indices:
    created = accounts["created_at"].cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
    last = accounts["last_seen"].cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
    end = np.nanmax(last) if np.isfinite(last).any() else np.nan
    oldest = np.full(n, np.inf)
    np.minimum.at(oldest, entity, np.where(np.isfinite(created), created, np.inf))
    days = (end - oldest) / 86_400e6
    return np.where(np.isfinite(days), 1 + np.searchsorted(AGE_DAYS, days), 0).astype(np.int32)


def entity_keys(names: tuple[str, ...]) -> NDArray[np.uint64]:
    """A 64-bit hash of each entity's name: the source of all randomness about it."""
    digests = b"".join(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
