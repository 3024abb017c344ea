module dagnix/gate

go 1.24.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gorilla/securecookie v1.1.2
	github.com/vektah/gqlparser/v2 v2.5.58
	golang.org/x/crypto v0.48.0
)
