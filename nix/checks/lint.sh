# Linter, formatter and types: ruff and mypy, with the rules of pyproject.toml.
cd "$sources"
export RUFF_NO_CACHE=true
"$dev/bin/ruff" check .
"$dev/bin/ruff" format --check .
"$dev/bin/mypy" --cache-dir=/dev/null
echo passed > "$out"
