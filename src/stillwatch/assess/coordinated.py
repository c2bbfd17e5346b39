"""First question: is the group coordinated? Families that share no mechanism, confirmed by e-values."""

from collections.abc import Sequence

from stillwatch.assess.terms import clipped, ramp, term
from stillwatch.records import Family, Score, Term

QUESTION = "coordinated"
PRIOR = -6.0
BORNE_BY_FEW = 30.0
"""Nats that an agreement loses which half of the members or fewer bear: all that any families can say."""


def coordinated(confirmed: Sequence[tuple[Family, float, bool]], linked: float | None) -> Score:
    """Log-odds of coordination from (family, log e, discovered) of each exact family.

    A discovered family adds its log e, at most 8 nats; the client family at most 2, since content with client alone is
    one product with many customers. A family that tested and did not discover adds nothing and takes nothing. `linked`
    is the share of members with links beyond their work and client: an e-value can be large by a part of the tested
    core, and then says nothing of strangers who only use the same wording.
    """
    terms: tuple[Term, ...] = ()
    for family, log_e, discovered in confirmed:
        if discovered:
            most = 2.0 if family == Family.CLIENT else 8.0
            because = f"members' {family} rows agree: ln e = {log_e:.1f}"
            terms += tuple(
                Term(t.question, t.name, t.value, t.because, str(family))
                for t in term(QUESTION, f"{family} agrees", clipped(log_e, 0.0, most), because)
            )
    if linked is not None:
        because = f"{linked:.0%} of the members have links of access beyond one client"
        terms += term(QUESTION, "borne by few", -BORNE_BY_FEW * ramp(linked, 0.6, 0.5), because)
    return Score(QUESTION, PRIOR, terms)
