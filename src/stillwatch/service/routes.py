"""What the routes share that FastAPI serves: how an answer is written, and that no body can be read in two ways."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from stillwatch.service.wire import Refused, look_closely


class Answer(JSONResponse):
    """JSON in ASCII: ids may hold half a character, which UTF-8 cannot say."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class Once(APIRoute):
    """A route whose bodies have each key once, as those of decisions: nobody can tell which of two is meant."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answers = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                look_closely(await request.body())
            except Refused as error:
                if error.code != "bad_json":  # what is no JSON is refused by whoever reads it, in its own words
                    return refusal(error)
            return await answers(request)

        return answer


def refusal(error: Refused) -> Answer:
    """An error as an answer."""
    return Answer({"error": {"code": error.code, "message": error.message}}, error.status)
