# The gate's formatting, vet and tests.
export GOROOT=$(echo "$go"/usr/lib/go-*)
export HOME=$TMPDIR GOCACHE=$TMPDIR/cache GOPATH=$TMPDIR/path CGO_ENABLED=0
export GOFLAGS=-mod=vendor GOPROXY=off GOTOOLCHAIN=local
mkdir module
cp -r "$vendor/." module
chmod -R u+w module
cp -r "$sources/." module
cd module
unformatted=$("$GOROOT/bin/gofmt" -l $(find . -name '*.go' ! -path './vendor/*'))
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }
"$GOROOT/bin/go" vet ./...
"$GOROOT/bin/go" test ./...
echo passed > "$out"
