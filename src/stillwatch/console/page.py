"""One self-contained page of findings. Every value is escaped; the page loads nothing and runs nothing."""

from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6b7e;--line:#d8dee8;--card:#fff;--bg:#f5f7fa;--bad:#b3261e;
--warn:#9a6700;--good:#1a6b3c;--bar:#4269a5}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa7b8;--line:#323c4a;--card:#1b222c;--bg:#12171e;
--bad:#ff897d;--warn:#e3b341;--good:#6fd08c;--bar:#7aa2e3}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--bg);max-width:62rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:0}small,.soft{color:var(--soft)}
article{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem 1.25rem;margin:1rem 0}
.suspected{color:var(--bad)}.ambiguous{color:var(--warn)}.permitted,.dismissed{color:var(--good)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{text-align:left;padding:.2rem .6rem .2rem 0;
border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}td.n{text-align:right;
font-variant-numeric:tabular-nums;white-space:nowrap}.bar{display:inline-block;height:.7em;background:var(--bar)}
.minus{background:var(--good)}@media print{body{background:none}article{break-inside:avoid}}
"""


def page(answer: dict[str, Any]) -> str:
    """The answer of a run (stillwatch/campaigns/v1) as HTML: findings with their evidence, then what was blind."""
    run = answer["run"]
    shown = [c for c in answer["campaigns"] if c["status"] != "dismissed"]
    explained = len(answer["campaigns"]) - len(shown)
    head = (
        f"{run['exchanges']:,} exchanges by {run['accounts']:,} accounts, {run['since']} to {run['until']}; "
        f"{run['quarantined']:,} rows in quarantine"
    )
    nothing = "<p>No finding. That is not an all-clear.</p>" if not shown else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Stillwatch: findings</title><style>{STYLE}</style><h1>Who is distilling the model?</h1>"
        f"<p>{_text(head)}</p><p class=soft>A finding is an allegation with evidence, not a verdict. "
        f"{explained} linked groups are explained and left out here.</p>"
        f"{nothing}{''.join(_finding(c) for c in shown)}{_blind(run['blind'])}</html>\n"
    )


def _text(value: object) -> str:
    """Escaped text; a lone surrogate, which UTF-8 cannot say, becomes a question mark."""
    return escape(str(value).encode("utf-8", "replace").decode("utf-8"), quote=True)


def _finding(finding: dict[str, Any]) -> str:
    likely = finding["likelihood"]
    accused = sum(m["role"] in ("operator", "provider") and m["probability"] >= 0.5 for m in finding["members"])
    work = ", ".join(f"{name} {share:.0%}" for name, share in finding["capabilities"].items() if share >= 0.05)
    questions = "".join(_waterfall(finding, question) for question in ("coordinated", "extracting", "concealed"))
    others = "".join(
        f"<tr><td>{_text(a['verdict'])}<td>{_text(a['name'])}<td>{_text(a['for'])}<td>{_text(a['against'])}"
        for a in finding["evidence"]["alternatives"]
    )
    named = accused if finding["status"] == "suspected" else 0
    return (
        f'<article><h2><span class="{_text(finding["status"])}">{_text(finding["status"])}</span> '
        f"{_text(finding['campaign_id'])}</h2><p><b>{_text(likely['word'])}</b> "
        f"({likely['low']:.0%}–{likely['high']:.0%}), "
        f"confidence {_text(finding['confidence'])}. {len(finding['members']):,} members, {named:,} accused; "
        f"{finding['exchanges']:,} exchanges ({finding['exchanges_low']:,}–{finding['exchanges_high']:,}), "
        f"{_text(finding['first_seen'])} to {_text(finding['last_seen'])}. Extracts: {_text(work) or 'unknown'}.</p>"
        f"{questions}<details><summary>What else could explain it</summary><table>"
        f"<tr><th>verdict<th>explanation<th>for<th>against{others}</table></details></article>"
    )


def _waterfall(finding: dict[str, Any], question: str) -> str:
    rows = [t for t in finding["evidence"]["terms"] if t["question"] == question]
    total = finding["evidence"][question]
    body = "".join(_bar(term) for term in rows)
    head = f"<summary><b>{question.capitalize()}?</b> log-odds {total:+.1f}</summary>"
    return f"<details open>{head}<table>{body}</table></details>"


def _bar(term: dict[str, Any]) -> str:
    value = term["value"]
    kind = "bar minus" if value < 0 else "bar"
    bar = f'<span class="{kind}" style="width:{min(abs(value), 10) * 0.8:.2f}em"></span>'
    return f"<tr><td>{_text(term['name'])}<td class=n>{value:+.2f}<td>{bar}<td>{_text(term['because'])}"


def _blind(blind: list[dict[str, str]]) -> str:
    if not blind:
        return "<p class=soft>No detector was blind.</p>"
    rows = "".join(f"<tr><td>{_text(b['detector'])}<td>{_text(b['because'])}" for b in blind)
    return f"<article><h2>Blind</h2><table>{rows}</table></article>"
