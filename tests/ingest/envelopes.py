"""Envelopes as companies might have them around the same requests and answers: what `doctor` must find its way in."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

COUNT = 60
BEGAN = datetime(2026, 3, 1, 10, tzinfo=UTC)
WORDS = ["sky", "tree", "river", "stone", "cloud", "music", "number", "paper", "window", "garden", "silver", "morning"]


def request(words: str) -> Record:
    """A request of OpenAI's API."""
    return {"model": "large-2", "messages": [{"role": "user", "content": words}], "temperature": 0.3, "max_tokens": 200}


def answer(number: int, words: str, *, failed: bool) -> Record:
    """Its answer, or an error without any id or time."""
    if failed:
        return {"error": {"message": "", "code": "server_error"}}
    choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
    about = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1772359201, "model": "large-2-0301"}
    return {**about, "choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 9}}


def message(number: int, words: str) -> Record:
    """An answer of Anthropic's API."""
    about = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "stop_reason": "end_turn",
    }
    return {**about, "content": [{"type": "text", "text": words}], "usage": {"input_tokens": 20, "output_tokens": 9}}


def drawn(number: int) -> tuple[str, str, str, datetime, bool]:
    """Account, question, answer, time and whether it failed, of one record."""
    draw = random.Random(number)
    said = [" ".join(draw.choices(WORDS, k=9)) for _ in range(2)]
    return str(draw.randrange(7)), said[0], said[1], BEGAN + timedelta(minutes=number), number % 15 == 14


def nested(number: int) -> Record:
    """A service's own log: everything in objects; a plan and a region beside the tenant's id."""
    account, asked, said, at, failed = drawn(number)
    return {
        "ts": at.isoformat(), "level": "info", "service": "edge-gw", "trace": {"span": f"{number:016x}"},
        "tenant": {"uuid": f"t-{account}", "plan": "pro", "region": "eu"},
        "http": {"method": "POST", "path": "/v1/chat/completions", "status": 500 if failed else 200,
                 "remote": f"203.0.113.{number}:{40000 + number}", "ua": "OpenAI/Python 1.61.0"},
        "request": request(asked), "response": answer(number, said, failed=failed),
    }  # fmt: skip


def flat(number: int) -> Record:
    """A warehouse table: texts as bare strings, a status in the company's own words."""
    account, asked, said, at, failed = drawn(number)
    return {
        "log_uuid": f"l-{number}", "event_time": at.strftime("%Y-%m-%d %H:%M:%S"), "customer_no": 1000 + int(account),
        "engine": "large-2", "prompt": asked, "completion": said, "prompt_len": 9, "latency_ms": 300 + number,
        "source_address": f"203.0.113.{number}", "outcome": "failed" if failed else "success",
    }  # fmt: skip


def clickhouse(number: int) -> Record:
    """An export of ClickHouse: numbers and bodies as strings, addresses as IPv6."""
    account, asked, said, at, failed = drawn(number)
    return {
        "event_date": at.strftime("%Y-%m-%d"), "event_time_ms": str(int(at.timestamp() * 1000)),
        "req_uuid": f"{number:08x}-aaaa", "organization_slug": f"org-{account}", "key_fingerprint": f"kf{account}",
        "ip": f"::ffff:203.0.113.{number}", "request_body": json.dumps(request(asked)),
        "response_body": json.dumps(answer(number, said, failed=failed)),
        "response_code": "500" if failed else "200", "duration_ms": str(100 + number),
    }  # fmt: skip


def bedrock(number: int) -> Record:
    """Amazon Bedrock's model invocation log: `accountId` is the provider's own, the caller is the identity."""
    account, asked, said, at, _ = drawn(number)
    content = [{"type": "text", "text": asked}]
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 200,
        "messages": [{"role": "user", "content": content}],
    }
    return {
        "schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "accountId": "123456789012", "identity": {"arn": f"arn:aws:sts::123456789012:assumed-role/app/{account}"},
        "region": "us-east-1", "requestId": f"{number:08x}-bbbb", "operation": "InvokeModel",
        "modelId": "claude-x-v1:0",
        "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 20},
        "output": {"outputContentType": "application/json", "outputBodyJson": message(number, said)},
    }  # fmt: skip


def management(number: int) -> Record:
    """Azure API Management's gateway log, with bodies: the tenant is the workspace, the caller a subscription."""
    account, asked, said, at, failed = drawn(number)
    return {
        "TenantId": "ws-1", "TimeGenerated": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "CorrelationId": f"{number:08x}-cccc",
        "ApimSubscriptionId": f"sub-{account}", "CallerIpAddress": f"203.0.113.{number}", "Method": "POST",
        "Url": "https://gw.example.org/openai/deployments/large/chat/completions",
        "ResponseCode": 500 if failed else 200,
        "BackendRequestBody": json.dumps(request(asked)),
        "BackendResponseBody": json.dumps(answer(number, said, failed=failed)),
        "RequestHeaders": {"User-Agent": "OpenAI/Python 1.61.0"},
    }  # fmt: skip


ENVELOPES = {
    "nested": (nested, "t-"), "flat": (flat, "100"), "clickhouse": (clickhouse, "org-"),
    "bedrock": (bedrock, "arn:aws:sts::123456789012:assumed-role/app/"), "management": (management, "sub-"),
}  # fmt: skip
"""Each envelope, and what its accounts' ids begin with."""
