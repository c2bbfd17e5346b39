#!/usr/bin/env bash
# Brings uv into .uv/, pinned and checked by hash, then builds .venv from uv.lock. Needs Python 3.11 and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  echo "setup: found no Python 3.11 as python3.11 or python3; install it, or name it: make setup PYTHON=/path/to/python3.11" >&2
  return 1
}

python=$(find_python)
stamp=.uv/.requirements
if ! cmp -s scripts/bootstrap-requirements.txt "$stamp" || [ ! -x .uv/bin/uv ]; then
  rm -rf .uv
  # Debian ships venv without ensurepip unless python3-venv is installed; pip of the system can fill the folder then.
  if ! "$python" -m venv .uv 2>/dev/null; then
    rm -rf .uv
    "$python" -m venv --without-pip .uv
    "$python" -m pip --python .uv/bin/python install --quiet --require-hashes --only-binary :all: \
      -r scripts/bootstrap-requirements.txt || {
      echo "setup: this Python has neither ensurepip nor pip; on Debian: apt-get install python3-venv" >&2
      exit 1
    }
  else
    .uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
      -r scripts/bootstrap-requirements.txt
  fi
  cp scripts/bootstrap-requirements.txt "$stamp"
fi
UV_PROJECT_ENVIRONMENT=.venv .uv/bin/uv sync --frozen --quiet --no-python-downloads --python "$python"
