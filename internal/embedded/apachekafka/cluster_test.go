package apachekafka

import "testing"

// TestClusterIDIsNoOption begins with a letter, whatever the random bytes are.
func TestClusterIDIsNoOption(t *testing.T) {
	for first := range 256 {
		id := clusterID([16]byte{byte(first), 0xff, 0xff})
		if c := id[0]; c < 'A' || c > 'z' || c > 'Z' && c < 'a' || len(id) != 22 {
			t.Errorf("first byte %d gives %s", first, id)
		}
	}
}
