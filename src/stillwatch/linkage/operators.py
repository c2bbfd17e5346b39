"""Several operators in one group: they ask in the same published words, and nothing joins their accounts."""

import numpy as np

from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.membership import MemberMatrix, Membership, beside_itself
from stillwatch.linkage.templates import Templates
from stillwatch.records import ACCESS, Family

APART = 0.16
"""Overlap of the exits and sign-ups that a group shares under which two parts of it are two operators'. In looked-at
worlds parts of twelve accounts or more of one campaign overlap by .18 to .75, of two campaigns by .00 to .21, most by
less than .14, or, where they use one proxy network, by .26 to .49: those stay one."""

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

    def parts(self, group: Membership) -> list[Indices]:
        """The certain members of a group, or for each part of them that stands alone its members: whoever stands in no
        such part is with the largest. Where no text is seen access alone makes the groups, and parts none."""
        rows = group.certain()
        large = [part for part in self._access.apart(rows, APART) if self._is_large(part)] if self._reads else []
        if len(large) < 2:
            return [rows]
        return [np.setdiff1d(rows, np.concatenate(large[1:])), *large[1:]]

    def beside_itself(self, part: Indices) -> Membership:
        """How well each member of a part fits the part alone."""
        return beside_itself(self._incidence, part, self._families, self._matrices)

    def _is_large(self, rows: Indices) -> bool:
        return int(self._incidence.accounts[rows].sum()) >= LEAST_APART
