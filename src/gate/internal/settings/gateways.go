package settings

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strings"
)

var (
	routes = "/proc/net/route"    // Linux's table of IPv4 routes
	uids   = "/proc/self/uid_map" // and of the users of this container
)

// gateways are the addresses that stand for the host in the networks of this container: what comes to a
// port that is published on the host's loopback has one as its sender.
//
// Without root podman has what comes to the host begin in this container, and a gateway is the sender of
// what comes from the user's other networks.
func gateways() []netip.Addr {
	if !isRoots() {
		return nil
	}
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

// isRoots tells whether the users in here are the host's.
func isRoots() bool {
	text, err := os.ReadFile(uids)
	return err == nil && slices.Equal(strings.Fields(string(text)), []string{"0", "0", "4294967295"})
}
