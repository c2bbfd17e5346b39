"""Who operates a finding's accused accounts: a dossier's organisations against an unknown operator; who signs it."""

from stillwatch.attribution.answer import SCHEMA, attributed
from stillwatch.attribution.dossier import Dossier, load_dossier

__all__ = ["SCHEMA", "Dossier", "attributed", "load_dossier"]
