package settings

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// routes is Linux's table of IPv4 routes.
var routes = "/proc/net/route"

// gateways are the addresses that stand for the host in the networks of this container: what comes to a
// port that is published on the host's loopback has one as its sender.
func gateways() []netip.Addr {
	text, _ := os.ReadFile(routes)
	var found []netip.Addr
	for _, line := range strings.Split(string(text), "\n") {
		// Interface, destination, gateway; both in the machine's order of bytes.
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[1] != "00000000" {
			continue
		}
		if bytes, err := hex.DecodeString(fields[2]); err == nil && len(bytes) == 4 {
			slices.Reverse(bytes)
			found = append(found, netip.AddrFrom4([4]byte(bytes)))
		}
	}
	return found
}
