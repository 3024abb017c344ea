package account

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/scrypt"
)

// One password at a time: each takes 16 MiB and a tenth of a second of CPU or more.
var hashing sync.Mutex

// Limits of the parameters, so that an odd entry cannot take all memory.
const maxLn, maxR, maxP = 17, 16, 16

// nobody is hashed in place of a user that there is not, so that the time does not tell who there is.
const nobody = "$scrypt$ln=14,r=8,p=5$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// verify compares a password with "$scrypt$ln=14,r=8,p=5$SALT$HASH", both in base64 without padding.
func verify(password, stored string) (bool, error) {
	var ln, r, p int
	parts := strings.Split(stored, "$")
	if len(parts) != 5 || parts[1] != "scrypt" {
		return false, errors.New("a password's hash is not one of scrypt")
	}
	if _, err := fmt.Sscanf(parts[2], "ln=%d,r=%d,p=%d", &ln, &r, &p); err != nil || ln < 1 || ln > maxLn || r > maxR || p > maxP {
		return false, errors.New("a password's hash has odd parameters")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[3])
	if err != nil {
		return false, err
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(want) < 16 {
		return false, errors.New("a password's hash is too short")
	}
	hashing.Lock()
	defer hashing.Unlock()
	got, err := scrypt.Key([]byte(password), salt, 1<<ln, r, p, len(want))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// Verify tells whether this is the user's password.
func (a Accounts) Verify(name, password string) (bool, error) {
	user, there := a.Users[name]
	if !there {
		_, err := verify(password, nobody)
		return false, err
	}
	return verify(password, user.Password)
}
