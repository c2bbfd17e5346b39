"""What is known of one account in one group, from which its role is told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MemberFacts:
    """One account in one group: membership log-odds, the registration's own ratio, and where its work came from.

    `shared` counts exchanges that the group's templates explain, `own` the others. `asks` is false where what it shares
    cannot be what is asked for training: a system text alone, or work that speaks against it (`findings._asks`), and in
    a finding about the part that asks, other wordings of its programme alone without links to those who ask
    (`gather.joined_to_asking`). `at_home` is the share of the shared ones that came from a block which the others use,
    `own_client` the same for the client (None where nothing is known). `among` is the share of the others that came
    from blocks which other members' shared work used and hardly anybody else (0 where these blocks are fewer than
    three). `access` is what infrastructure, registration and client together say for the group, in nats,
    `beyond_client` the same without client, `text` the greater of what content and work say, and `company` the share of
    those with its wordings that access links (None where no text is seen); `shared_times` counts the distinct times of
    shared work (each exchange of a session, which holds more accounts for victims than hours would), and the exchanges
    themselves where logs keep days alone; `group_days` is how long the group worked; `cover` is ln of how much likelier
    the account's other exchanges are as the group's cover than as an ordinary customer's life
    (`lives.cover_log_ratio`); `behind` is 1 where programs do its shared work although the account looks like a
    person's (`automation`).
    """

    account_id: str
    core: bool
    log_odds: float
    registration: float
    access: float
    beyond_client: float
    text: float
    company: float | None
    shared: int
    asks: bool
    own: int
    own_before: int
    at_home: float | None
    own_client: float | None
    among: float | None
    shared_days: float
    shared_times: int
    group_days: float
    days_before: float | None
    cover: float
    reseller: bool
    permitted: bool
    behind: float | None = None
