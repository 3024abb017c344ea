package workspace

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// changes tells of files in a folder that take the place of others, as [replace] has them. The process
// sleeps until there is one.
type changes struct{ *os.File }

func watch(folder string) (changes, error) {
	file, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return changes{}, os.NewSyscallError("inotify_init1", err)
	}
	watched := changes{os.NewFile(uintptr(file), "inotify")}
	if _, err := syscall.InotifyAddWatch(file, folder, syscall.IN_MOVED_TO); err != nil {
		return changes{}, errors.Join(os.NewSyscallError("inotify_add_watch", err), watched.Close())
	}
	return watched, nil
}

// within waits for a change, and tells whether there was one in time. Those that came since the last
// call count as one.
func (c changes) within(limit time.Duration) (bool, error) {
	if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return false, err
	}
	_, err := c.Read(make([]byte, 4096))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}
