"""Deliver alerts by mail: one a round, over SMTP with STARTTLS. Nothing of a customer's stands in a header."""

import contextlib
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from stillwatch.delivery.reach import Refused, connected, context_of, secured, within
from stillwatch.delivery.sinks import Mail
from stillwatch.delivery.words import ALLEGATION, plain, sentence

SECONDS = 30.0
MOST_ACCOUNTS = 50
"""Accounts that a mail lists of one alert."""


def message_of(sink: Mail, alerts: Sequence[dict[str, Any]]) -> EmailMessage:
    """The mail about some alerts. Its id is made of theirs, so that a repeat is known as one."""
    message = EmailMessage(policy=SMTP)
    campaigns = len({alert["life_id"] for alert in alerts})
    message["Subject"] = f"Stillwatch: {len(alerts)} alert(s), {campaigns} campaign(s)"
    message["From"] = sink.sender
    message["To"] = ", ".join(sink.to)
    message["Date"] = formatdate()
    told = "|".join(str(alert["alert_id"]) for alert in alerts)
    message["Message-ID"] = (
        f"<{hashlib.blake2b(told.encode('utf-8', 'replace'), digest_size=12).hexdigest()}@stillwatch>"
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join([*(_lines(alert) for alert in alerts), ALLEGATION, ""]))
    return message


def _lines(alert: dict[str, Any]) -> str:
    names = [plain(name) for name in alert["account_ids"]]
    more = [f"    and {len(names) - MOST_ACCOUNTS} more"] if len(names) > MOST_ACCOUNTS else []
    shown = [f"    {name}" for name in names[:MOST_ACCOUNTS]]
    about = (
        f"  {plain(alert['alert_id'])}: stillwatch show {plain(alert['campaign_id'])} --run {plain(alert['run_id'])}"
    )
    return "\n".join([sentence(alert), about, *shown, *more, ""])


class _Plain(smtplib.SMTP):
    """SMTP to an address that was checked."""

    private = False
    context: ssl.SSLContext

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connected(host, port, timeout, private=self.private)


class _Secure(_Plain):
    """The same under TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return secured(super()._get_socket(host, port, timeout), self.context, host, timeout)


def send_all(sink: Mail, alerts: Sequence[dict[str, Any]]) -> None:
    """Send one mail about all alerts. Raises Refused, also where a single recipient was not taken."""
    message = message_of(sink, alerts)
    server = (_Secure if sink.tls == "tls" else _Plain)(timeout=SECONDS)
    server.private = sink.private
    try:
        server.context = context_of(sink)
        server._host = sink.host  # type: ignore[attr-defined]  # what the certificate of STARTTLS is checked against
        with within(lambda: server.sock, 2 * SECONDS):
            server.connect(sink.host, sink.port)
            _spoken(server, sink, message)
    except smtplib.SMTPResponseException as error:
        raise Refused(f"the server answered {error.smtp_code}", outage=error.smtp_code < 500) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused(f"{len(error.recipients)} recipient(s) refused") from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise Refused(f"no mail could be sent ({type(error).__name__})", outage=True) from error
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.close()


def _spoken(server: _Plain, sink: Mail, message: EmailMessage) -> None:
    if sink.tls == "starttls":
        server.starttls(context=server.context)
    if sink.user:
        server.login(sink.user, sink.password)
    refused = server.send_message(message, sink.sender, list(sink.to))
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)
