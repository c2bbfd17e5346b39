"""Logs that lack whole signals, as real providers' do: no texts, no network, no accounts file, days without a time."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Lack:
    """What a provider does not log: columns of exchanges, the accounts file, or the time of day."""

    columns: tuple[str, ...] = ()
    accounts: bool = False
    times_of_day: bool = False

    def of(self, exchanges: pa.Table) -> pa.Table:
        """The exchanges without what lacks; columns stay, and are empty."""
        for name in self.columns:
            place = exchanges.schema.get_field_index(name)
            field = exchanges.schema.field(place)
            exchanges = exchanges.set_column(place, field, pa.nulls(len(exchanges), field.type))
        if self.times_of_day:
            for name in ("asked_at", "finished_at"):
                place = exchanges.schema.get_field_index(name)
                days = pc.floor_temporal(exchanges[name], unit="day").cast(exchanges.schema.field(place).type)
                exchanges = exchanges.set_column(place, exchanges.schema.field(place), days)
        return exchanges


NOTHING = Lack()
TEXTS = Lack(("system", "messages", "tools", "output"))
NETWORK = Lack(("client_ip", "asn", "country", "ip_class", "ja4", "user_agent"))
ACCOUNTS = Lack(accounts=True)
TIMES = Lack(times_of_day=True)
