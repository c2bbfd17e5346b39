"""Alerts reach their sinks: signed, in order, once or again under one id, and never where they may not go."""

import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.cli import run
from stillwatch.delivery import mail, ocsf, post, reach, webhook
from stillwatch.delivery.outbox import LONGEST_PAUSE, Outbox, due, pause_of
from stillwatch.delivery.post import Post
from stillwatch.delivery.reach import Refused, is_public
from stillwatch.delivery.sinks import Lines, Mail, Sink, Webhook, read_sinks
from stillwatch.delivery.words import plain
from stillwatch.errors import StoreError, UsageError
from tests.delivery.alerts import alert
from tests.delivery.peers import LOOPBACK, Mailbox, Receiver, mailed, receiving

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = 1_790_000_000.0


def hook(url: str, **more: Any) -> Webhook:
    return Webhook("hook", url, (KEY,), True, **more)


def posted(folder: Path, *sinks: Sink) -> Post:
    return Post(sinks, Outbox(folder, 1))


def told(receiver: Receiver) -> list[str]:
    return [headers["webhook-id"] for headers, _ in receiver.got]


def test_a_webhook_is_signed_and_a_receiver_can_tell_forgery_and_replay(tmp_path: Path) -> None:
    other = bytes(reversed(KEY))
    with receiving(Receiver()) as receiver:
        outgoing = posted(tmp_path, Webhook("hook", receiver.url, (KEY, other), True))
        outgoing.put([alert(1), alert(2, "began", "C-2")])
        assert [(one.delivered, one.waiting, one.failed) for one in outgoing.round()] == [(2, 0, "")]
    headers, body = receiver.got[0]
    assert json.loads(body) == {
        "type": "stillwatch.alert.accused",
        "timestamp": "2026-10-21T00:00:00Z",
        "data": alert(1),
    }
    assert headers["webhook-id"] == "A-000000000001"
    now = int(headers["webhook-timestamp"])
    for secret in (KEY, other):  # two at once while a receiver changes over
        assert webhook.is_genuine(secret, headers, body, now + 299)
    assert not webhook.is_genuine(KEY, headers, body, now + 301)
    assert not webhook.is_genuine(KEY, headers, body + b" ", now)
    assert not webhook.is_genuine(b"x" * 32, headers, body, now)
    assert not webhook.is_genuine(KEY, headers | {"webhook-id": "A-000000000009"}, body, now)
    assert not webhook.is_genuine(KEY, headers | {"webhook-timestamp": str(now + 1)}, body, now)
    assert not webhook.is_genuine(KEY, {}, body, now)
    for hostile in ("9" * 400, "9" * 5000, "-1", "nan", "²", ""):
        assert not webhook.is_genuine(KEY, headers | {"webhook-timestamp": hostile}, body, now)


def test_the_signature_is_that_of_the_standards_example() -> None:
    """Standard Webhooks' own test: secret, id, time, body and signature of its reference libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = webhook.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_outage_loses_nothing_and_order_holds(tmp_path: Path) -> None:
    with receiving(Receiver([500])) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url))
        outgoing.put([alert(1), alert(2, "cleared"), alert(3, "began", "C-2")])
        assert [(one.delivered, one.waiting, one.failed) for one in outgoing.round(NOW)] == [(0, 3, "status 500")]
        assert outgoing.round(NOW + 1)[0].delivered == 1  # of the other campaign
        assert outgoing.round(NOW + 7)[0].delivered == 2
        assert told(receiver)[1:] == ["A-000000000003", "A-000000000001", "A-000000000002"]


def test_an_alert_that_is_not_taken_holds_back_its_own_campaign_alone(tmp_path: Path) -> None:
    with receiving(Receiver([400])) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url))
        outgoing.put([alert(1), alert(2, "cleared"), alert(3, "began", "C-2")])
        assert [(one.delivered, one.waiting) for one in outgoing.round(NOW)] == [(1, 2)]
        assert told(receiver) == ["A-000000000001", "A-000000000003"]


def test_what_is_given_up_is_listed_and_can_be_sent_again(tmp_path: Path) -> None:
    with receiving(Receiver([410, 404, 404])) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url, tries=2))
        outgoing.put([alert(1), alert(2, life="C-2")])
        assert [(one.waiting, one.dead) for one in outgoing.round(NOW)] == [(1, 1)]  # 410: it wants no more
        assert [(one.waiting, one.dead) for one in outgoing.round(NOW + 9)] == [(0, 2)]
        assert outgoing.state()[0].failed == "status 404"
        outgoing.put([alert(3, "cleared")])
        assert outgoing.round(NOW)[0].delivered == 1
        assert outgoing.outbox.revive("hook") == 2
        assert outgoing.round(NOW)[0].delivered == 2
    assert [json.loads(body)["data"].get("late") for _, body in receiver.got[-3:]] == [None, True, True]


def test_a_sink_is_asked_to_wait_and_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with receiving(Receiver([429, 302])) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url))
        outgoing.put([alert(1)])
        outgoing.round(NOW)
        assert outgoing.outbox.waiting("hook")[0].next_at == NOW + 3600
        assert outgoing.round(NOW + 3601)[0].failed == "status 302"
        assert len(receiver.got) == 2


@pytest.mark.parametrize("what", ["hang up", 0.5])
def test_a_receiver_that_hangs_up_or_sleeps(tmp_path: Path, what: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.2)
    with receiving(Receiver([what])) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url))
        outgoing.put([alert(1)])
        assert outgoing.round(NOW)[0].failed.startswith("no answer")


def test_a_slow_drip_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    listener = socket.create_server((LOOPBACK, 0))

    def drip() -> None:
        held, _ = listener.accept()
        with held:
            for _ in range(200):
                try:
                    held.sendall(b"H")
                except OSError:
                    return
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    with pytest.raises(Refused, match="no answer"), listener:
        webhook.send(hook(f"http://{LOOPBACK}:{listener.getsockname()[1]}/"), alert(1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["webhook", "mail"])
def test_a_handshake_that_drips_ends(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes well within a socket's timeout, and they never end."""
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    monkeypatch.setattr(mail, "SECONDS", 0.3)
    listener = socket.create_server((LOOPBACK, 0))
    dripped: list[int] = []

    def drip() -> None:
        held, _ = listener.accept()
        with held, contextlib.suppress(OSError):
            for piece in (b"\x16", b"\x03", b"\x03", b"\x3f", b"\xff", *[b"\x00"] * 200):
                held.sendall(piece)
                dripped.append(1)
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    port = listener.getsockname()[1]
    with pytest.raises(Refused), listener:
        if kind == "webhook":
            webhook.send(hook(f"https://{LOOPBACK}:{port}/"), alert(1))
        else:
            mail.send_all(Mail("soc", LOOPBACK, port, "a@b", ("c@d",), "tls", private=True), [alert(1)])
    assert len(dripped) < 100


def test_an_alert_that_cannot_be_told_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with receiving(Receiver()) as receiver:
        outgoing = posted(tmp_path, hook(receiver.url), Lines("siem", tmp_path / "siem"))
        outgoing.put([{"alert_id": "A-000000000001", "life_id": "C-9"}, alert(2), alert(3)])
        for said in outgoing.round():
            assert (said.delivered, said.waiting, said.failed) == (2, 1, "an alert cannot be told (KeyError)")
        assert told(receiver) == ["A-000000000002", "A-000000000003"]
        assert (tmp_path / "siem").read_bytes().count(b"\n") == 2


def test_a_webhook_under_tls_is_checked(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with receiving(Receiver(), context) as receiver:
        webhook.send(hook(receiver.url, ca_file=str(certificate[0])), alert(1))
        assert told(receiver) == ["A-000000000001"]
        with pytest.raises(Refused, match="SSLCertVerificationError"):
            webhook.send(hook(receiver.url), alert(2))
        with pytest.raises(Refused, match="SSLCertVerificationError"):  # the name is not the certificate's
            webhook.send(hook(receiver.url.replace(LOOPBACK, "localhost"), ca_file=str(certificate[0])), alert(2))
        assert len(receiver.got) == 1


PRIVATE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "::ffff:0:7f00:1", "fec0::1", "5f00::1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::",
)  # fmt: skip


def test_no_address_of_a_network_inside_is_public() -> None:
    assert not [one for one in PRIVATE if is_public(one)]
    assert all(map(is_public, ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")))


def test_a_sink_that_is_not_private_reaches_no_network_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(reach.socket, "create_connection", never)
    for address in PRIVATE:
        found = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (address, 443))]
        monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *_, found=found, **__: found)
        with pytest.raises(Refused, match="public"):
            reach.connected("receiver.example", 443, 1, private=False)


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up could lead elsewhere."""
    went: list[Any] = []
    looked: list[str] = []

    def look(host: str, *_: Any, **__: Any) -> Any:
        looked.append(host)
        return [(0, 0, 0, "", ("93.184.216.34", 443))]

    monkeypatch.setattr(reach.socket, "getaddrinfo", look)
    monkeypatch.setattr(reach.socket, "create_connection", lambda place, _: went.append(place) or "socket")
    assert reach.connected("receiver.example", 443, 1, private=False) == "socket"  # type: ignore[comparison-overlap]
    assert (looked, went) == (["receiver.example"], [("93.184.216.34", 443)])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.text("0123456789abcdef", min_size=12, max_size=12))
def test_pauses_grow_are_bounded_and_the_same_each_time(tries: int, id: str) -> None:
    pause = pause_of(f"A-{id}", "hook", tries)
    assert pause == pause_of(f"A-{id}", "hook", tries)
    assert 4 <= pause <= LONGEST_PAUSE * 1.2
    assert pause_of(f"A-{id}", "hook", tries + 2) > pause or pause > LONGEST_PAUSE * 0.8


OUTCOMES = st.lists(st.sampled_from(["taken", "not taken", "outage", "gone"]), max_size=40)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["C-1", "C-2", "C-3"]), min_size=1, max_size=8), OUTCOMES)
def test_no_alert_is_lost_and_none_of_a_life_overtakes_an_earlier_one(
    tmp_path_factory: pytest.TempPathFactory, lives: list[str], outcomes: list[str]
) -> None:
    answers = iter(outcomes)
    taken: list[int] = []

    def send(_: Sink, alerts: list[dict[str, Any]]) -> None:
        answer = next(answers, "taken")
        if answer != "taken":
            raise Refused(answer, outage=answer == "outage", hopeless=answer == "gone")
        taken.extend(int(one["alert_id"][2:], 16) for one in alerts)

    outgoing = posted(tmp_path_factory.mktemp("box"), hook("https://x/", tries=4))
    outgoing.put([alert(place, life=life) for place, life in enumerate(lives)])
    now = NOW
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(post, "send_all", send)
        for _ in range(80):
            outgoing.round(now)
            now += LONGEST_PAUSE * 1.3
    dead = [int(one.alert["alert_id"][2:], 16) for one in outgoing.outbox.waiting("hook", dead=True)]
    assert sorted(taken + dead) == list(range(len(lives))) and not outgoing.outbox.waiting("hook")
    for life in set(lives):
        places = [place for place in taken if lives[place] == life]
        assert places == sorted(places)


def test_due_skips_what_waits_behind_its_own() -> None:
    box = Outbox(Path("nowhere"), 1)
    assert box.waiting("hook") == [] and box.sinks() == [] and list(due([], NOW)) == []


KILLED = """
import json, os, signal, sys
from pathlib import Path
from stillwatch.store import files
from stillwatch.delivery import post
from stillwatch.delivery.outbox import Outbox
from stillwatch.delivery.sinks import read_sinks

left = int(sys.argv[3])
def step(_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
files.reached = step
outgoing = post.Post(read_sinks(Path(sys.argv[1])), Outbox(Path(sys.argv[2]), 1))
outgoing.put(json.loads(sys.stdin.read()))
outgoing.round()
"""


@pytest.mark.slow
def test_a_kill_at_any_step_loses_nothing_and_a_repeat_has_the_same_id(tmp_path: Path) -> None:
    """Every step of writing and sending is a kill once; whoever goes on afterwards tells all, in order."""
    with receiving(Receiver()) as receiver:
        (tmp_path / "sinks.toml").write_text(
            f'[webhook.hook]\nurl = "{receiver.url}"\nsecret_env = "S"\nprivate = true\n'
        )
        alerts = json.dumps([alert(1), alert(2, "cleared")])
        environment = {**os.environ, "S": SECRET}
        ends = set()
        for left in range(22):
            store = tmp_path / f"store-{left}"
            store.mkdir()
            receiver.got.clear()
            for allowed in (left, 10**6):
                line = [sys.executable, "-c", KILLED, str(tmp_path / "sinks.toml"), str(store), str(allowed)]
                done = subprocess.run(line, input=alerts, text=True, env=environment, check=False, capture_output=True)
                ends.add(done.returncode)
            assert done.returncode == 0, done.stderr
            ids = told(receiver)
            assert list(dict.fromkeys(ids)) == ["A-000000000001", "A-000000000002"] and not list(
                store.rglob("[!.]*.json")
            )
        assert ends == {0, -signal.SIGKILL}


def test_ocsf_lines_have_what_the_schema_requires(tmp_path: Path) -> None:
    """Required by events/findings/detection_finding.json, its bases and the objects in it (OCSF 1.3.0)."""
    sink = Lines("siem", tmp_path / "alerts.jsonl")
    whats = [
        "began",
        "split",
        "status",
        "accused",
        "cleared",
        "merged",
        "gone",
        "evidence",
        "returned",
        "pivot",
        "withdrawn",
    ]
    ocsf.send_all(sink, [alert(place, what) for place, what in enumerate(whats)])
    ocsf.send_all(sink, [alert(99, "status", status="dismissed"), post.trial()])
    lines = [json.loads(line) for line in sink.path.read_text().splitlines()]
    assert len(lines) == len(whats) + 2
    for one in lines:
        assert (one["category_uid"], one["class_uid"], one["type_uid"]) == (2, 2004, 200400 + one["activity_id"])
        assert one["activity_id"] in (1, 2, 3) and one["severity_id"] in (1, 2, 3) and isinstance(one["time"], int)
        assert one["metadata"]["version"] == "1.3.0" and one["metadata"]["product"]["name"] == "Stillwatch"
        assert one["metadata"]["product"]["vendor_name"] and one["finding_info"]["uid"] and one["finding_info"]["title"]
        assert one.get("status_id", 1) in (1, 3, 4)
    by = {one["metadata"]["event_code"]: one for one in lines}
    assert by["accused"]["evidences"] == [{"actor": {"user": {"uid": name}}} for name in ("acct-1", "acct-2")]
    assert "evidences" not in by["cleared"] and by["cleared"]["unmapped"]["account_ids"] == ["acct-1", "acct-2"]
    assert [by[what]["activity_id"] for what in ("began", "accused", "cleared", "gone")] == [1, 2, 2, 3]
    assert [by[what]["is_alert"] for what in ("began", "accused", "cleared", "withdrawn", "test")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert by["status"]["activity_id"] == 3 and by["status"]["status_id"] == 3
    assert oct(sink.path.stat().st_mode)[-3:] == "600"


def test_a_line_that_a_kill_has_cut_stays_alone(tmp_path: Path) -> None:
    sink = Lines("siem", tmp_path / "alerts.jsonl")
    sink.path.write_bytes(b'{"half": ')
    ocsf.send_all(sink, [alert(1)])
    first, second = sink.path.read_bytes().splitlines()
    assert first == b'{"half": ' and json.loads(second)["metadata"]["uid"] == "A-000000000001"


def test_a_line_is_on_disk_before_its_alert_counts_as_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[int, int]] = []

    def noted(handle: int) -> None:
        seen = os.fstat(handle)
        done.append((seen.st_ino, seen.st_size))

    monkeypatch.setattr(ocsf.os, "fsync", noted)
    ocsf.send_all(Lines("siem", tmp_path / "siem"), [alert(1)])
    seen = (tmp_path / "siem").stat()
    assert done == [(seen.st_ino, seen.st_size)]


def test_a_file_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    outgoing = posted(tmp_path, Lines("siem", tmp_path / "no" / "alerts.jsonl"))
    outgoing.put([alert(1)])
    assert [(one.waiting, one.failed) for one in outgoing.round(NOW)] == [
        (1, "the file cannot be written (FileNotFoundError)")
    ]


def letter(port: int, *to: str) -> Mail:
    return Mail("soc", LOOPBACK, port, "stillwatch@example.org", to or ("soc@example.org",), "none", private=True)


HOSTILE = [
    "a\r\nBcc: x@y",
    "b\n.\nMAIL FROM:<x@y>",
    "\x1b[31mred",
    "=cmd|' /C calc'!A0",
    "\u202egnp",
    "n" * 5000,
    "\ud800",
    "\x00",
]


def test_a_mail_a_round_and_hostile_names_stay_in_its_text(tmp_path: Path) -> None:
    with mailed(Mailbox()) as box:
        outgoing = posted(tmp_path, letter(box.port, "soc@example.org", "boss@example.org"))
        outgoing.put(
            [
                alert(1, account_ids=HOSTILE, of="x\r\ny: z"),
                alert(2, "cleared"),
                alert(3, "pivot", "C-2", of="m\r\nTo: y"),
            ]
        )
        assert outgoing.round()[0].delivered == 3
        assert len(box.mails) == 1
        sender, to, message = box.mails[0]
        assert (sender, to) == ("stillwatch@example.org", ["soc@example.org", "boss@example.org"])
        assert message["Subject"] == "Stillwatch: 3 alert(s), 2 campaign(s)"
        assert set(message.keys()) == {
            "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
            "Content-Transfer-Encoding",
        }  # fmt: skip
        text = message.get_content()
        assert "not a verdict" in text and "a\\r\\nBcc: x@y" in text and "2 account(s) no longer accused" in text
        assert "\x1b" not in text and "\u202e" not in text and max(map(len, text.splitlines())) < 600
        assert len([line for line in box.lines if line.upper().startswith(b"RCPT")]) == 2
    many = mail.message_of(letter(1), [alert(1, account_ids=[f"acct-{n}" for n in range(60)])]).get_content()
    assert "acct-49" in many and "acct-50" not in many and "and 10 more" in many


def test_mail_that_is_not_taken_waits(tmp_path: Path) -> None:
    with mailed(Mailbox(refuses={"gone@example.org"}, says=b"452 later")) as box:
        outgoing = posted(tmp_path, letter(box.port))
        outgoing.put([alert(1)])
        assert [(one.waiting, one.failed) for one in outgoing.round(NOW)] == [(1, "the server answered 452")]
        box.says = b"250 taken"
        assert outgoing.round(NOW + 9)[0].delivered == 1
        refusing = posted(tmp_path / "other", letter(box.port, "soc@example.org", "gone@example.org"))
        refusing.put([alert(2)])
        assert [(one.waiting, one.failed) for one in refusing.round(NOW)] == [(1, "1 recipient(s) refused")]
    assert outgoing.round(NOW)[0].failed == ""  # nothing waits
    with pytest.raises(Refused, match="public"):
        mail.send_all(Mail("soc", LOOPBACK, box.port, "a@b", ("c@d",)), [alert(1)])
    with (
        pytest.raises(Refused, match="no mail"),
        mailed(Mailbox()) as plainly,
    ):  # no TLS there: nothing is sent
        mail.send_all(Mail("soc", LOOPBACK, plainly.port, "a@b", ("c@d",), private=True), [alert(1)])
    assert not plainly.mails


@given(st.text(max_size=300))
def test_plain_words_are_plain(text: str) -> None:
    told = plain(text)
    assert told.isprintable() and told.encode("utf-8") is not None and len(told) < 2500


GOOD = """
[webhook.tickets]
url = "https://hooks.example.org/x?y=1"
secret_env = "SECRET"
tries = 5
[ocsf.siem]
file = "alerts.jsonl"
[email.soc]
host = "mail.example.org"
from = "stillwatch@example.org"
to = ["soc@example.org"]
user = "u"
password_file = "password"
"""


def test_a_file_of_sinks(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pass word\n")
    file = tmp_path / "deliver.toml"
    file.write_text(GOOD)
    siem, soc, tickets = read_sinks(file, {"SECRET": f"{SECRET} {SECRET}"})
    assert tickets == Webhook("tickets", "https://hooks.example.org/x?y=1", (KEY, KEY), False, 5)
    assert siem == Lines("siem", tmp_path / "alerts.jsonl")
    assert isinstance(soc, Mail) and (soc.port, soc.tls, soc.password) == (587, "starttls", "pass word")
    assert "pass word" not in repr(soc) and str(KEY) not in repr(tickets)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("secret_env", "secret"), "in the file itself"),
        (('secret_env = "SECRET"', 'secret_env = "NONE"'), "nothing in NONE"),
        (('secret_env = "SECRET"', ""), "nothing"),
        (('secret_env = "SECRET"', 'secret_env = "SHORT"'), "too short"),
        (("https://hooks", "http://hooks"), "http"),
        (("https://hooks", "file://hooks"), "file://"),
        (("https://hooks", "https://u:SECRET-p@hooks"), "https://…@hooks.example.org/…"),
        (("hooks.example.org/x", "hooks.example.org:x/SECRET-t"), ":x/…"),
        (('secret_env = "SECRET"', 'secret_env = "whsec_SECRET-k"'), "nothing in the variable"),
        (("tries = 5", "tries = 0"), "int"),
        (("tries = 5", "retries = 5"), "retries"),
        (("[ocsf.siem]", "[syslog.siem]"), "syslog"),
        (("[ocsf.siem]", '[ocsf."../x"]'), "../x"),
        (("[ocsf.siem]", "[ocsf.tickets]"), "tickets"),
        (('to = ["soc@example.org"]', 'to = ["a@b\\r\\nBcc: c@d"]'), "Bcc"),
        (('to = ["soc@example.org"]', "to = []"), "list"),
        (('from = "stillwatch@example.org"', 'from = "x <y@z>"'), "<y@z>"),
        (('user = "u"', 'tls = "none"\nuser = "u"'), "none"),
        (('user = "u"', ""), "alone"),
        (('user = "u"', 'private = true\ntls = "none"\nuser = "u"'), "without TLS"),
        (("[ocsf.siem]", "[ocsf.siem"), "at line"),
    ],
)
def test_a_file_of_sinks_that_is_wrong_says_where_and_what(tmp_path: Path, change: tuple[str, str], found: str) -> None:
    (tmp_path / "password").write_text("p")
    file = tmp_path / "deliver.toml"
    file.write_text(GOOD.replace(*change))
    with pytest.raises(UsageError) as error:
        read_sinks(file, {"SECRET": SECRET, "SHORT": "whsec_AAAA"})
    said = str(error.value)
    assert str(file) in said and found in said and SECRET not in said and "SECRET-" not in said


def test_a_damaged_file_of_the_outbox_says_so(tmp_path: Path) -> None:
    box = Outbox(tmp_path, 1)
    box.put(["hook"], [alert(1)])
    path = box.waiting("hook")[0].path
    path.write_bytes(b"{")
    with pytest.raises(StoreError, match="cannot be read"):
        box.waiting("hook")


def test_the_command_tries_the_sinks_and_sends_what_waits(
    tmp_path: Path, key: Path, tiny_store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    with receiving(Receiver([204, 500])) as receiver:
        file = tmp_path / "deliver.toml"
        file.write_text(f'[webhook.hook]\nurl = "{receiver.url}"\nsecret_env = "SECRET"\nprivate = true\n')
        assert run(["deliver", str(file)]) == 2
        assert run(["deliver", str(file), "--test"]) == 0
        assert json.loads(receiver.got[0][1])["type"] == "stillwatch.alert.test"
        assert run(["deliver", str(file), "--test"]) == 1
        Outbox(tiny_store, 1).put(["hook", "old"], [alert(1)])
        capsys.readouterr()
        assert run(["deliver", str(file), "--store", str(tiny_store), "--json"]) == 0
        out = capsys.readouterr()
        assert json.loads(out.out)["sinks"] == [
            {"sink": "hook", "delivered": 1, "waiting": 0, "dead": 0, "failed": ""},
            {"sink": "old", "delivered": 0, "waiting": 1, "dead": 0, "failed": ""},
        ]
        assert "old: alerts wait for a sink" in out.err
        assert run(["deliver", str(file), "--store", str(tiny_store), "--again"]) == 0


def test_an_erased_account_leaves_the_outbox(tiny_store: Path) -> None:
    from stillwatch.store.erase import erase
    from stillwatch.store.store import Store

    box = Outbox(tiny_store, 1)
    box.put(["hook"], [alert(1), alert(2, account_ids=["acct-1"]), alert(3, account_ids=["acct-9"])])
    box.failed(box.waiting("hook")[1], "x", NOW, 1)
    assert erase(Store.open(tiny_store), "acct-1", dry_run=True).members == 2
    assert len(box.waiting("hook")) == 2
    assert erase(Store.open(tiny_store), "acct-1").members == 2
    left = [(one.alert["account_ids"], one.alert.get("erased")) for one in box.waiting("hook")]
    assert left == [(["acct-2"], 1), (["acct-9"], None)] and not box.waiting("hook", dead=True)
    assert b"acct-1" not in b"".join(path.read_bytes() for path in tiny_store.rglob("*.json"))
