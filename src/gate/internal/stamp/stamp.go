// Package stamp notices that files have changed.
package stamp

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Of returns a text that is another one once a file at these paths was written, replaced, made or
// removed. The inode is part of it: a file that takes the place of one may have its size and, within
// a tick of the kernel's clock, its time.
func Of(paths ...string) string {
	var stamp strings.Builder
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			var inode uint64
			if found, ok := info.Sys().(*syscall.Stat_t); ok {
				inode = found.Ino
			}
			fmt.Fprintf(&stamp, "%d %d %d", info.ModTime().UnixNano(), info.Size(), inode)
		}
		stamp.WriteString(";")
	}
	return stamp.String()
}
