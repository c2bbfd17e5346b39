"""The pre-call hook of the LiteLLM plugin, timed where LiteLLM is installed: seconds and what came of it, as JSON.

    .venv-litellm/bin/python benchmarks/workers/litellm_hook.py URL TOKEN COUNT BREAKER

Waits for a line on stdin between the requests before the fault and those after it.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ |= {"STILLWATCH_URL": sys.argv[1], "STILLWATCH_TOKEN": sys.argv[2]}
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gateways" / "src"))

from litellm.proxy._types import UserAPIKeyAuth
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.litellm_plugin import StillwatchLogger
from stillwatch_gateway.settings import Settings


class Logged:
    """What LiteLLM has of each call for its logs."""


async def main(url: str, token: str, count: int, breaker: int) -> dict[str, Any]:
    """Put requests through the hook, as LiteLLM calls it."""
    hook = StillwatchLogger(AsyncClient(Settings(url, token, breaker_after=breaker)))
    came: Counter[str] = Counter()

    async def request(account: str) -> tuple[str, dict[str, Any]]:
        data = {"model": "large", "messages": [{"role": "user", "content": "Say it"}], "litellm_call_id": "c"}
        data["litellm_logging_obj"] = Logged()
        out = await hook.async_pre_call_hook(UserAPIKeyAuth(user_id=account), None, data, "acompletion")
        return "on, told" if out.get("max_completion_tokens") == 64 else "on", data

    async def end(data: dict[str, Any]) -> None:
        await hook.async_post_call_success_hook(data, None, None)

    for place in range(300):
        await end((await request(f"sk-{place % 50}"))[1])
    print("ready", flush=True)
    sys.stdin.readline()
    times = []
    for place in range(count):
        began = time.perf_counter()
        told, data = await request(f"sk-{place % 100}")
        times.append(time.perf_counter() - began)
        came[told] += 1
        await end(data)
        del data
        await asyncio.sleep(0)  # LiteLLM's loop has its turn between two calls: what was left for it is done
    return {"times": times, "came": came}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
