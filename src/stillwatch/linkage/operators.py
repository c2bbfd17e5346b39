"""Several operators in one group: they ask in the same published words, and nothing joins their accounts."""

import numpy as np

from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.membership import MemberMatrix, Membership, beside_itself
from stillwatch.linkage.templates import Templates
from stillwatch.records import Family

ACCESS = (Family.INFRASTRUCTURE, Family.REGISTRATION)
"""What an operator has for itself: exits and sign-ups. Two may use one client, and work at the same hours."""

APART = 0.05
"""Overlap of exits and sign-ups under which two parts have nothing in common. In looked-at worlds the parts of one
campaign of twelve accounts or more overlap by .06 to .35, those of two campaigns by .00 to .02."""

LEAST_APART = 20
"""Accounts from which a part that nothing joins to the others is another's: smaller ones are stragglers."""


class Operators:
    """Splits groups by what joins their members."""

    def __init__(self, incidence: Incidence, families: tuple[Family, ...], matrices: list[MemberMatrix]) -> None:
        self._incidence = incidence
        self._families = families
        self._matrices = matrices
        self._access = Templates(incidence, ACCESS)
        self._reads = Family.CONTENT in families

    def of(self, group: Membership) -> list[Membership]:
        """The group itself, or for each part that stands alone its members beside itself: whoever stands in no such
        part is with the largest. Where no text is seen access alone makes the groups, and parts none."""
        rows = group.certain() if self._reads else group.rows[:0]
        large = [part for part in self._access.apart(rows, APART) if self._accounts(part) >= LEAST_APART]
        if len(large) < 2:
            return [group]
        others = np.concatenate(large[1:])
        parts = [np.setdiff1d(rows, others), *large[1:]]
        return [beside_itself(self._incidence, part, self._families, self._matrices) for part in parts]

    def _accounts(self, rows: Indices) -> int:
        return int(self._incidence.accounts[rows].sum())
