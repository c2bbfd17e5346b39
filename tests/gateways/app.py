"""A small server of models, OpenAI- and Anthropic-shaped, behind the middleware: it tells what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

TRACE = "SECRET-TRACE"


def _event(delta: dict[str, Any]) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n"


async def _stream(asked: str) -> AsyncIterator[str]:
    yield _event({"role": "assistant", "content": ""})
    for piece in (TRACE[:6], TRACE):
        yield _event({"reasoning_content": piece})
        await asyncio.sleep(0)
    await asyncio.sleep(json.loads(asked).get("pause", 0))
    yield _event({"content": asked})
    yield "data: [DONE]\n\n"


async def chat(request: Request) -> Response:
    """A chat completion whose content is the request's body, with a trace beside it."""
    asked = (await request.body()).decode()
    if json.loads(asked).get("stream"):
        return StreamingResponse(_stream(asked), media_type="text/event-stream")
    message = {"role": "assistant", "content": asked, "reasoning_content": TRACE}
    return JSONResponse({"choices": [{"index": 0, "message": message}], "usage": {"total_tokens": 3}})


async def messages(request: Request) -> Response:
    """A message with a block of thinking."""
    asked = (await request.body()).decode()
    blocks = [{"type": "thinking", "thinking": TRACE, "signature": "s"}, {"type": "text", "text": asked}]
    return JSONResponse({"type": "message", "role": "assistant", "content": blocks})


async def upload(request: Request) -> Response:
    """How long the body was, as it came."""
    return PlainTextResponse(str(len(await request.body())))


async def health(_: Request) -> Response:
    """Always well."""
    return PlainTextResponse("ok")


def bare() -> Starlette:
    """The server without the middleware."""
    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/messages", messages, methods=["POST"]),
            Route("/v1/audio/transcriptions", upload, methods=["POST"]),
            Route("/health", health, methods=["GET", "POST"]),
        ]
    )  # fmt: skip
