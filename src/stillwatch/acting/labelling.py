"""What a person says of a finding, or of one account in it, before it is noted: checked without a casebook."""

from stillwatch.errors import UsageError
from stillwatch.respond.action import person_named, stated
from stillwatch.store.casebook.reviews import Review
from stillwatch.store.names import names_of
from stillwatch.store.runs import found_in, read_run
from stillwatch.store.store import Store


def review_of(
    store: Store, run_id: str | None, campaign: str, account: str, label: str, by: str, reason: str, now: int
) -> Review:  # fmt: skip
    """What a person says of a finding of a run (the newest) by its id or the start of one; of one account, if given.

    Raises UsageError where person or reason is missing, the run has no such finding, or that does not name the account.
    """
    by, reason = person_named(by), stated("reason", reason)
    answer = read_run(store, run_id)
    finding = found_in(answer, campaign, store.folder)
    if account:
        members = {member["account_id"] for member in finding["members"]}
        known = [name for name in names_of(store.folder, store.key_file)(account) if name in members]
        if not known:
            raise UsageError("the finding does not name this account", found=ascii(account)[:80])
        account = known[-1]
    return Review(answer["run"]["run_id"], finding["campaign_id"], account, label, by, reason, now)
