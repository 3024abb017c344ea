# The runtime's formatting, vet, and those of its tests that need no Postgres.
export GOROOT=$(echo "$go"/usr/lib/go-*)
export HOME=$TMPDIR GOCACHE=$TMPDIR/cache GOPATH=$TMPDIR/path CGO_ENABLED=0
export GOPROXY=off GOTOOLCHAIN=local
# As in nix/lib/builders/go_build.sh: half of the CPU, most of which goes into compiling Go's library.
export GOGC=400 GOFLAGS="-mod=vendor '-gcflags=all=-l -c=1'"
mkdir module tests
ln -s "$projects" tests/projects
cp -r "$vendor/." module
chmod -R u+w module
cp -r "$sources/." module
cd module
unformatted=$("$GOROOT/bin/gofmt" -l $(find . -name '*.go' ! -path './vendor/*'))
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }
"$GOROOT/bin/go" vet ./...
# Go itself would end them after ten minutes, which a busy machine may take.
"$GOROOT/bin/go" test -timeout=2h ./internal/...
echo passed > "$out"
