"""What people hold in their hands: browsers, phones, SDKs, agents; each with its words and its TLS fingerprint.

Fingerprints follow the form of JA4 (protocol, version, counts, hashes); one TLS library gives one fingerprint whoever
uses it, so thousands of strangers share them.
"""

from dataclasses import dataclass

from acting.chance import Dice, digest


@dataclass(frozen=True)
class Client:
    """A program that sends requests: its user agents, its fingerprints, and what it usually asks for."""

    name: str
    agents: tuple[str, ...]
    prints: tuple[str, ...]
    pathway: str
    stream: float
    sets_temperature: float
    sets_limit: float

    def agent(self, dice: Dice) -> str:
        return dice.pick(self.agents)

    def fingerprint(self, dice: Dice) -> str:
        return dice.pick(self.prints)


def ja4(library: str, ciphers: int, extensions: int, protocol: str = "h2") -> str:
    first, second = digest(library, "ciphers"), digest(library, "extensions")
    return f"t13d{ciphers:02d}{extensions:02d}{protocol}_{first:016x}"[:23] + f"_{second:016x}"[:13]


CHROME = tuple(ja4(f"chrome{v}", 15, 16 + v % 2) for v in (131, 133, 135))
FIREFOX = tuple(ja4(f"firefox{v}", 16, 15) for v in (134, 136))
SAFARI = (ja4("safari18", 20, 13), ja4("safari17", 20, 14))
PYTHON = tuple(ja4(f"openssl3.{v}", 17, 10 + v % 3, "h1") for v in (0, 2, 4))
NODE = (ja4("node20", 52, 11, "h1"), ja4("node22", 52, 12, "h1"))
GO = (ja4("go1.23", 13, 10, "h2"), ja4("go1.24", 13, 11, "h2"))
JAVA = (ja4("jdk17", 49, 11, "h2"), ja4("jdk21", 50, 11, "h2"))
IOS = (ja4("nsurl18", 20, 12), ja4("nsurl17", 20, 11))
ANDROID = (ja4("boringssl-android", 16, 12), ja4("okhttp4", 15, 11))
RUST = (ja4("rustls0.23", 10, 12, "h2"),)
CURL = (ja4("curl8", 30, 13, "h2"), ja4("curl7", 31, 12, "h2"))


def versions(template: str, *numbers: str) -> tuple[str, ...]:
    return tuple(template.format(n) for n in numbers)


MOZILLA = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MACINTOSH = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = MOZILLA + " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
MAC = MACINTOSH + " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
FOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
APPLE = MACINTOSH + " AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"

BROWSERS = (
    Client("chrome", versions(WINDOWS, "131", "133", "135") + versions(MAC, "133", "135"), CHROME, "console", 1, 0, 0),
    Client("firefox", versions(FOX, "134", "136"), FIREFOX, "console", 1, 0, 0),
    Client("safari", versions(APPLE, "17.6", "18.3"), SAFARI, "console", 1, 0, 0),
)
PHONES = (
    Client("ios", versions("ChatApp/{} (iPhone; iOS 18.3)", "4.1.0", "4.2.1"), IOS, "console", 1, 0, 0),
    Client("android", versions("ChatApp/{} (Android 15)", "4.1.0", "4.2.0"), ANDROID, "console", 1, 0, 0),
)
PYTHON_SDK = Client(
    "python", versions("LargeAI/Python {}", "1.58.1", "1.61.0", "1.65.4", "1.66.2"), PYTHON, "api", 0.25, 0.5, 0.5
)
NODE_SDK = Client("node", versions("LargeAI/JS {}", "4.77.0", "4.85.1", "4.87.3"), NODE, "api", 0.6, 0.4, 0.4)
REQUESTS = Client("requests", versions("python-requests/{}", "2.31.0", "2.32.3"), PYTHON, "api", 0.1, 0.6, 0.6)
HTTPX = Client("httpx", versions("python-httpx/{}", "0.27.2", "0.28.1"), PYTHON, "api", 0.2, 0.6, 0.6)
AIOHTTP = Client("aiohttp", versions("Python/3.11 aiohttp/{}", "3.10.5", "3.11.12"), PYTHON, "api", 0.1, 0.7, 0.7)
GO_SDK = Client("go", versions("largeai-go/{}", "0.1.0-beta.9", "1.2.0"), GO, "api", 0.3, 0.4, 0.7)
JAVA_SDK = Client("java", versions("okhttp/{}", "4.12.0", "5.0.0"), JAVA, "api", 0.1, 0.5, 0.8)
CURL_TOOL = Client("curl", versions("curl/{}", "8.5.0", "7.88.1"), CURL, "api", 0.2, 0.4, 0.5)
SDKS = (PYTHON_SDK, NODE_SDK, REQUESTS, HTTPX, AIOHTTP, GO_SDK, JAVA_SDK, CURL_TOOL)
SDK_SHARES = ((PYTHON_SDK, 42.0), (NODE_SDK, 22.0), (REQUESTS, 10.0), (HTTPX, 6.0), (AIOHTTP, 5.0), (GO_SDK, 6.0),
              (JAVA_SDK, 6.0), (CURL_TOOL, 3.0))  # fmt: skip
LANGCHAIN = Client("langchain", versions("langchain-largeai/{}", "0.3.3", "0.3.7"), PYTHON, "api", 0.3, 0.8, 0.3)
HARNESS = Client("harness", versions("lm-eval/{} aiohttp", "0.4.7", "0.4.8"), PYTHON, "api", 0, 1, 1)
AGENTS = (
    Client(
        "codepilot-cli", versions("codepilot-cli/{} (external, cli)", "1.0.31", "1.0.35", "1.1.2"), NODE, "api", 1, 0, 1
    ),
    Client("forge-agent", versions("forge/{}", "0.42", "0.44"), PYTHON, "api", 0.4, 0.9, 0.6),
    Client("ide-plugin", versions("ide-plugin/{} vscode", "2.9.0", "2.11.3"), NODE, "api", 1, 0.3, 1),
    Client("rustler", versions("rustler/{}", "0.8.2", "0.9.0"), RUST, "api", 1, 0, 1),
)
CLOUDS = ("bedrock", "vertex", "azure-foundry", "openrouter")


def personal(dice: Dice) -> Client:
    """What somebody chats with."""
    return dice.pick(BROWSERS) if dice.happens(0.65) else dice.pick(PHONES)


def programming(dice: Dice) -> Client:
    """The SDK that a program was written with."""
    return dice.weighted(SDK_SHARES)
