// Package size reads and writes sizes in bytes, as Compose has them: 512m, 1g, 1.5gb.
package size

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a size; without a unit it is in bytes.
func Parse(text string) (uint64, error) {
	number := strings.TrimSuffix(strings.ToLower(text), "b")
	shift := 0
	for unit, bits := range map[string]int{"k": 10, "m": 20, "g": 30} {
		if rest, found := strings.CutSuffix(number, unit); found {
			number, shift = rest, bits
			break
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value < 0 {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return uint64(value * float64(uint64(1)<<shift)), nil
}

// Text writes a size for people.
func Text(bytes uint64) string {
	for _, unit := range []struct {
		name string
		bits int
	}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if bytes >= 1<<unit.bits {
			return fmt.Sprintf("%.1f %s", float64(bytes)/float64(uint64(1)<<unit.bits), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}
