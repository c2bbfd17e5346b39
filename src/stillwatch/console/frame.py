"""What every page is made with: one HTML file that loads and runs nothing, and shows what others wrote as text only.

Templates write the markup and escape every value twice over: `visible` makes controls and bidi marks plain text, Jinja2
then escapes what HTML would read. The only style is one sheet, which the page's own policy names by its hash.
"""

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.console import words
from stillwatch.console.charts import day_of, said
from stillwatch.console.text import counted, listed, percent, share, shortened, signed, visible


def filled(template: str, *sheets: str, **values: object) -> str:
    """A template as one document with the pages' own sheet and, after it, others of the templates' folder."""
    sheet = "\n".join(_sheet(name) for name in ("page.css", *sheets))
    return _environment().get_template(template).render(
        style=Markup(sheet),
        style_hash=base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode(),
        words=words,
        **values,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stillwatch.console"),
        autoescape=True,
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": share,
        "counted": counted,
        "listed": listed,
        "percent": percent,
        "signed": signed,
        "id": shortened,
        "day": lambda text: said(day_of(text), text),
        "one_of": lambda name, names: name if name in names else "other",
        "capability": words.capability,
        "odds": words.odds,
    }
    return environment


def _inert(value: object) -> object:
    """Every printed value on its way into the page: text is made visible, numbers and finished markup pass."""
    return visible(value, 1000) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _sheet(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()
