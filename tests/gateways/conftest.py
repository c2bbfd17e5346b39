"""The gateways are a distribution of their own: its source stands beside ours."""

import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "gateways" / "src"
if str(SOURCE) not in sys.path:
    sys.path.insert(0, str(SOURCE))
