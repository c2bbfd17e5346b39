"""The gateways are apart: they need nothing, import nothing of ours, and know the same obligations as we do."""

import ast
import json
import subprocess
import sys

from stillwatch_gateway.answers import CODE, MODES, SETTINGS

from stillwatch import records
from tests.gateways.conftest import SOURCE

FOREIGN = {"grpc": {"envoy_grpc"}, "litellm": {"litellm_plugin"}}
"""What is not of the standard library, and the modules that may import it."""


def test_the_wire_is_the_contract() -> None:
    assert {name: names for name, (_, names) in records.OBLIGATIONS.items()} == SETTINGS
    assert records.MODES == MODES
    assert all(CODE.fullmatch(code) for code in records.REASON_CODES)


def test_nothing_but_the_standard_library_is_imported() -> None:
    found = set()
    for file in sorted((SOURCE / "stillwatch_gateway").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top != "stillwatch_gateway":
                    found.add((top, file.stem))
    assert found == {(name, module) for name, modules in FOREIGN.items() for module in modules}


def test_the_package_loads_where_nothing_is_installed() -> None:
    code = (
        "import sys, json; import stillwatch_gateway.asgi, stillwatch_gateway.envoy, stillwatch_gateway.guardrail;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    line = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {code}"]
    loaded = json.loads(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    assert not {"stillwatch", "litellm", "grpc", "msgspec", "starlette"} & set(loaded)
