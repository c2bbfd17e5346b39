"""First question: is the group coordinated? Families that share no mechanism, confirmed by e-values."""

from collections.abc import Sequence

from stillwatch.assess.terms import clipped, term
from stillwatch.records import Family, Score, Term

QUESTION = "coordinated"
PRIOR = -6.0
THRESHOLD = 0.0


def coordinated(confirmed: Sequence[tuple[Family, float, bool]]) -> Score:
    """Log-odds of coordination from (family, log e, discovered) of each exact family.

    A discovered family adds its log e, at most 8 nats; the client family at most 2, since content with client alone is
    one product with many customers. A family that tested and did not discover adds nothing and takes nothing.
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
    return Score(QUESTION, PRIOR, terms)
