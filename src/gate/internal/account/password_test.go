package account

import "testing"

// Python's hashlib.scrypt made it, as ./dagnix auth does.
const stored = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$EoVSPZC4RYKB2CErwCmlipwgpfFn0T/z5ifD4UXaZJU"

func TestPasswords(t *testing.T) {
	accounts := Accounts{Users: map[string]User{
		"anna": {"admin", stored}, "plain": {"admin", "secret"}, "costly": {"admin", "$scrypt$ln=30,r=8,p=1$c2FsdA$c2FsdA"},
		"empty": {"admin", "$scrypt$ln=4,r=8,p=1$c2FsdA$"},
	}}
	for _, each := range []struct {
		name, password string
		right, fails   bool
	}{
		{"anna", "correct horse battery", true, false},
		{"anna", "correct horse", false, false},
		{"anna", "", false, false},
		{"nobody", "correct horse battery", false, false},
		{"plain", "secret", false, true},
		{"costly", "", false, true},
		{"empty", "", false, true},
	} {
		right, err := accounts.Verify(each.name, each.password)
		if right != each.right || (err != nil) != each.fails {
			t.Errorf("%s %q: %v %v", each.name, each.password, right, err)
		}
	}
}
