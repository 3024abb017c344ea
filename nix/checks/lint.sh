# ruff, linter and formatter, with the rules of pyproject.toml.
cd "$sources"
export RUFF_NO_CACHE=true
"$dev/bin/ruff" check .
"$dev/bin/ruff" format --check .
echo passed > "$out"
