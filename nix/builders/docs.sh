# The documentation → a site. In: $sources, $dev (an environment with MkDocs).
export HOME=$TMPDIR NO_MKDOCS_2_WARNING=1
# MkDocs copies what is read-only in the store, with its mode.
cp -r "$sources" docs-sources
chmod -R u+w docs-sources
cd docs-sources
# A link that leads nowhere is an error.
"$dev/bin/python" -P -m mkdocs build --strict --quiet --site-dir "$out"
