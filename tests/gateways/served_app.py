"""What granian serves: the server of models with the middleware added as its users add it. Settings: environment."""

from stillwatch_gateway.asgi import StillwatchMiddleware

from tests.gateways.app import bare

app = bare()
app.add_middleware(StillwatchMiddleware)
