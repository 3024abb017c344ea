# The unit tests of the Python that runs inside builds.
cd "$sources"
"$dev/bin/python" -m pytest -p no:cacheprovider tests/unit/builders
echo passed > "$out"
