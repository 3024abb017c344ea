package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folders in a volume: files while they are restored, those that are whole, those that are being put
// into place, and those from before.
const (
	ours           = ".dagnix-"
	partialFiles   = ours + "restored.partial"
	restoredFiles  = ours + "restored"
	restoringFiles = ours + "restoring"
	replacedFiles  = ours + "before-restore"
)

// pack writes the files of a folder as a tar archive with gzip. They may change meanwhile: one that
// grows is taken as long as it was, one that shrinks is filled up, one that goes is left out.
func pack(ctx context.Context, folder string, out io.Writer) error {
	// Parquet and the like are compressed already: more than the fastest would be for little.
	compressed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	to := tar.NewWriter(compressed)
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, _ := filepath.Rel(folder, path)
		if name == "." {
			return err
		}
		if strings.HasPrefix(name, ours) {
			if entry != nil && entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if err == nil {
			err = packOne(to, path, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return errors.Join(err, to.Close(), compressed.Close())
}

func packOne(to *tar.Writer, path, name string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
		return to.WriteHeader(header)
	case info.Mode()&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
		return to.WriteHeader(header)
	case !info.Mode().IsRegular():
		return nil // a socket, say: it holds nothing
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := to.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.CopyN(to, io.MultiReader(file, zeros{}), info.Size())
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// unpack puts the files of an archive beside those that are there: under their names they are whole.
func unpack(in io.Reader, volume string) error {
	partial := filepath.Join(volume, partialFiles)
	if err := errors.Join(removeAll(partial), removeAll(filepath.Join(volume, restoredFiles))); err != nil {
		return err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return err
	}
	expanded, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	var folders []*tar.Header
	for from := tar.NewReader(expanded); ; {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("it has a file outside its folder: %q", header.Name)
		}
		if err := unpackOne(from, header, filepath.Join(partial, header.Name)); err != nil {
			return err
		}
		if header.Typeflag == tar.TypeDir {
			folders = append(folders, header)
		}
	}
	// Reads the checksum at the end.
	if _, err := io.Copy(io.Discard, expanded); err != nil {
		return err
	}
	// The innermost first: what is put into a folder changes its time.
	for i := len(folders) - 1; i >= 0; i-- {
		path := filepath.Join(partial, folders[i].Name)
		mode := fs.FileMode(folders[i].Mode).Perm()
		if err := errors.Join(os.Chmod(path, mode), os.Chtimes(path, time.Time{}, folders[i].ModTime)); err != nil {
			return err
		}
	}
	return os.Rename(partial, filepath.Join(volume, restoredFiles))
}

func unpackOne(from io.Reader, header *tar.Header, path string) error {
	switch header.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o700)
	case tar.TypeSymlink:
		return os.Symlink(header.Linkname, path)
	case tar.TypeReg:
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, from)
		mode := fs.FileMode(header.Mode).Perm()
		return errors.Join(err, file.Chmod(mode), file.Sync(), file.Close(), os.Chtimes(path, time.Time{}, header.ModTime))
	}
	return fmt.Errorf("%q is neither a file nor a folder nor a link", header.Name)
}

// exchangeFiles puts restored files in place of those that are there, which are kept. It can be
// repeated when it was interrupted.
func exchangeFiles(volume string) error {
	whole, moving := filepath.Join(volume, restoredFiles), filepath.Join(volume, restoringFiles)
	if exists(whole) {
		kept := filepath.Join(volume, replacedFiles)
		if err := os.MkdirAll(kept, 0o755); err != nil {
			return err
		}
		if err := moveAll(volume, kept); err != nil {
			return err
		}
		if err := os.Rename(whole, moving); err != nil {
			return err
		}
	}
	if !exists(moving) {
		return nil
	}
	if err := moveAll(moving, volume); err != nil {
		return err
	}
	return os.Remove(moving)
}

// moveAll moves all files and folders but our own.
func moveAll(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ours) {
			continue
		}
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// removeAll removes a tree, with folders in it that may not be written.
func removeAll(tree string) error {
	filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(tree)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
