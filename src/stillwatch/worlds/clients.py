"""What asks: client programs with their user agents, TLS fingerprints, ways of logging, and sampling parameters."""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from dataclasses import dataclass

from stillwatch.worlds.chance import Dice, token


@dataclass(frozen=True)
class Product:
    """A client program. ``agent`` has one slot for a version; ``bare`` clients are logged in OpenAI's message shape."""

    name: str
    agent: str
    versions: tuple[str, ...]
    bare: bool = False
    console: bool = False
    sessions: bool = False

    @property
    def named(self) -> bool:
        """Whether the program itself names its conversations."""
        return self.console or self.sessions


@dataclass(frozen=True)
class Client:
    """A program as one account runs it."""

    product: Product
    user_agent: str
    ja4: str


@dataclass(frozen=True)
class Habit:
    """Parameters as a caller sets them; None where it leaves a default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    n: int | None = None
    reasoning_effort: str | None = None
    response_format: str | None = None


def _minor(major: int, minors: range, patch: int = 3) -> tuple[str, ...]:
    return tuple(f"{major}.{minor}.{minor * 7 % patch}" for minor in reversed(minors))


SDKS = (
    Product("openai-python", "OpenAI/Python {}", _minor(1, range(40, 62))),
    Product("openai-async", "AsyncOpenAI/Python {}", _minor(1, range(44, 62))),
    Product("requests", "python-requests/{}", ("2.32.3", "2.31.0", "2.32.2", "2.28.2")),
    Product("openai-node", "OpenAI/JS {}", _minor(4, range(52, 75))),
    Product("anthropic-python", "Anthropic/Python {}", _minor(0, range(28, 46))),
    Product("langchain", "langchain-openai/{}", _minor(0, range(1, 3), 30)),
    Product("litellm", "litellm/{}", _minor(1, range(48, 60)), bare=True),
    Product("axios", "axios/{}", ("1.7.7", "1.7.2", "1.6.8", "0.27.2"), bare=True),
    Product("httpx", "python-httpx/{}", ("0.27.2", "0.27.0", "0.25.2")),
    Product("go", "Go-http-client/{}", ("2.0", "1.1"), bare=True),
    Product("okhttp", "okhttp/{}", ("4.12.0", "4.10.0"), bare=True),
    Product("curl", "curl/{}", ("8.7.1", "8.5.0", "7.88.1"), bare=True),
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"
BROWSERS = (
    Product("chrome", CHROME, ("142", "141", "140", "138"), console=True),
    Product("safari", MAC, ("19.0", "18.6", "18.3"), console=True),
    Product("chrome-mac", CHROME.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"), ("142", "141", "139"), console=True),
    Product("firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0", ("144", "143", "128"), console=True),
    Product("android", "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36", ("142", "141"), console=True),
)  # fmt: skip
AGENTS = (
    Product("aster-code", "aster-cli/{} (external, cli)", _minor(1, range(28, 60)), sessions=True),
    Product("aster-code-vscode", "aster-vscode/{}", _minor(2, range(4, 12)), sessions=True),
    Product("aider", "litellm/{}", _minor(1, range(52, 60)), bare=True, sessions=True),
    Product("cline", "Cline/{}", _minor(3, range(10, 34)), sessions=True),
)
EVALUATORS = (
    Product("lm-eval", "Python/3.11 aiohttp/{}", ("3.10.10", "3.11.8", "3.9.5")),
    Product("lm-eval-requests", "python-requests/{}", ("2.32.3", "2.31.0")),
)

HABITS = (
    Habit(), Habit(temperature=0.7), Habit(temperature=1.0), Habit(temperature=0.0), Habit(max_tokens=1024),
    Habit(temperature=0.7, max_tokens=2048), Habit(max_tokens=4096), Habit(temperature=0.2),
    Habit(temperature=1.0, max_tokens=4096), Habit(temperature=0.3, max_tokens=1000),
    Habit(temperature=0.7, top_p=0.95, max_tokens=4096), Habit(reasoning_effort="high"), Habit(temperature=0.5),
    Habit(reasoning_effort="medium", max_tokens=8192), Habit(temperature=0.0, seed=42), Habit(temperature=0.0, max_tokens=256),
    Habit(temperature=0.8, top_p=0.9), Habit(response_format="json_object", temperature=0.0), Habit(temperature=0.1, max_tokens=512),
)  # fmt: skip


def run(product: Product, dice: Dice) -> Client:
    """A product as one account runs it: a version, the newer more often, and the TLS fingerprint of its platform."""
    version = dice.popular(product.versions, 2.5)
    return Client(product, product.agent.format(version), fingerprint(product.name, dice.popular(range(4), 2.5)))


def newer(client: Client, dice: Dice) -> Client:
    """The same program after an update; its TLS fingerprint stays."""
    return Client(client.product, client.product.agent.format(dice.popular(client.product.versions, 5.0)), client.ja4)


def fingerprint(name: str, platform: int) -> str:
    """A JA4 of a program's network library on a platform: libraries share theirs, so many programs look alike."""
    library = {"openai-python": "httpx", "openai-async": "httpx", "anthropic-python": "httpx", "langchain": "httpx", "litellm": "httpx",
               "aider": "httpx", "openai-node": "node", "axios": "node", "aster-code": "node", "cline": "node",
               "aster-code-vscode": "node", "lm-eval-requests": "requests", "chrome-mac": "chrome", "android": "chrome"}.get(name, name)  # fmt: skip
    seed = token("ja4", library, platform)
    alpn = "h1" if library == "requests" else "h2"
    return f"t13d{14 + platform}{10 + len(library) % 8}{alpn}_{seed[:12]}_{token('ja4', library)[:12]}"


def developer(dice: Dice) -> Client:
    """A client of someone who programs: a popular SDK mostly."""
    return run(dice.popular(SDKS, 1.7), dice)


def browser(dice: Dice) -> Client:
    """A browser at the provider's console."""
    return run(dice.popular(BROWSERS, 1.8), dice)


def habit(dice: Dice) -> int:
    """Index into HABITS; the plain ones are popular."""
    return int(dice.popular(range(len(HABITS)), 1.6))
