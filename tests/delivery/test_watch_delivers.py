"""`watch --deliver` on a small world: all that it tells reaches the sinks, whatever they do meanwhile."""

import base64
import json
from pathlib import Path

import pytest

from stillwatch.cli import run
from stillwatch.worlds import world as worlds
from tests.conftest import key_in
from tests.delivery.peers import Receiver, receiving


@pytest.mark.slow
def test_all_that_is_told_reaches_every_sink(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week and more at once while the webhook is away, then the rest, with what clears and withdraws."""
    worlds.write(worlds.simulate("mixed", 5, 0.12), tmp_path / "logs", tmp_path / "truth")
    monkeypatch.setenv("SECRET", "whsec_" + base64.b64encode(bytes(32)).decode())
    key = key_in(tmp_path)
    days = sorted((tmp_path / "logs" / "exchanges").iterdir())
    later = tmp_path / "later"
    later.mkdir()
    for place, day in enumerate(days):
        if place % 5 == 4 or place > 20:
            day.rename(later / day.name)
    with receiving(Receiver(["hang up"])) as receiver:
        file = tmp_path / "deliver.toml"
        file.write_text(
            f'[webhook.hook]\nurl = "{receiver.url}"\nsecret_env = "SECRET"\nprivate = true\n'
            '[ocsf.siem]\nfile = "siem.jsonl"\n'
        )
        line = ["watch", str(tmp_path / "logs"), "--store", str(tmp_path / "s"), "--key-file", str(key), "--days", "9"]
        line += ["--once", "--json", "--deliver", str(file)]
        assert run(line) == 0
        first = capsys.readouterr()
        alerts = [json.loads(one) for one in first.out.splitlines()]
        assert len(alerts) > 3 and "hook: no answer" in first.err
        assert len(receiver.got) == 1 and len((tmp_path / "siem.jsonl").read_text().splitlines()) == len(alerts)
        for day in later.iterdir():
            day.rename(tmp_path / "logs" / "exchanges" / day.name)
        assert run(line) == 0
        alerts += [json.loads(one) for one in capsys.readouterr().out.splitlines()]
        monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)  # what failed is due again
        assert run(["deliver", str(file), "--store", str(tmp_path / "s"), "--days", "9", "--json"]) == 0
    told = {json.loads(body)["data"]["alert_id"]: json.loads(body)["data"] for _, body in receiver.got}
    assert told == {one["alert_id"]: one for one in alerts}
    lines = [json.loads(one)["unmapped"] for one in (tmp_path / "siem.jsonl").read_text().splitlines()]
    assert lines == alerts
    whats = {one["what"] for one in alerts}
    assert "accused" in whats and whats & {"withdrawn", "cleared", "gone", "merged", "status"}
    assert not [one for one in (tmp_path / "s" / "watch" / "outbox").rglob("*.json")]
