package report

import (
	"io/fs"
	"syscall"
)

func inode(info fs.FileInfo) uint64 {
	if file, isFile := info.Sys().(*syscall.Stat_t); isFile {
		return file.Ino
	}
	return 0
}
