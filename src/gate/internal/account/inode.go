package account

import (
	"io/fs"
	"syscall"
)

// inode tells a file from another one that has taken its place.
func inode(info fs.FileInfo) uint64 {
	if found, ok := info.Sys().(*syscall.Stat_t); ok {
		return found.Ino
	}
	return 0
}
