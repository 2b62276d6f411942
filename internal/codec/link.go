package codec

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// splitLink returns the host of a link, as written, and what follows it up to
// `?` or `#`. A leading scheme is dropped; user info and port belong to the host.
func splitLink(link []byte) (host, path []byte) {
	link = link[schemeEnd(link):]
	end := indexOfAny(link, 0, '/', '?', '#')
	if end == len(link) || link[end] != '/' {
		return link[:end], link[end:end]
	}
	return link[:end], link[end:indexOfAny(link, end, '?', '?', '#')]
}

// indexOfAny returns the first place from i on that holds one of three bytes of
// ASCII, the length of s if there is none.
func indexOfAny(s []byte, i int, a, b, c byte) int {
	as, bs, cs := uint64(a)*ones, uint64(b)*ones, uint64(c)*ones
	for ; i+8 <= len(s); i += 8 {
		x := load8(s, i)
		// A difference of zero borrows, and bytes from 0x80 on are none of the three.
		found := (((x ^ as) - ones) | ((x ^ bs) - ones) | ((x ^ cs) - ones)) &^ x & highs
		if found != 0 {
			return i + firstByte(found)
		}
	}
	for ; i < len(s) && s[i] != a && s[i] != b && s[i] != c; i++ {
	}
	return i
}

// schemeEnd returns the length of a leading `[A-Za-z][A-Za-z0-9+.-]*://`, 0 if
// there is none.
func schemeEnd(s []byte) int {
	if len(s) >= 8 && string(s[:8]) == "https://" {
		return 8
	}
	for i, c := range s {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		switch {
		case letter:
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '.' || c == '-'):
		case i > 0 && c == ':' && i+2 < len(s) && s[i+1] == '/' && s[i+2] == '/':
			return i + 3
		default:
			return 0
		}
	}
	return 0
}

// appendLower appends s in lower case by Unicode's simple rules.
func appendLower(dst, s []byte) []byte {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := load8(s, i)
		if x&highs != 0 {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, x|capitals(x)>>2)
	}
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(s[i:])
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
		i += n
	}
	return dst
}

// readLinks hashes the links of a message and keeps their hosts, both sorted and
// each once.
func (d *Decoder) readLinks(links [][]byte) {
	d.linkHashes, d.hosts, d.link = d.linkHashes[:0], d.hosts[:0], d.link[:0]
	for _, link := range links {
		if len(link) == 0 {
			continue
		}
		host, path := splitLink(link)
		begin := len(d.link)
		d.link = appendLower(d.link, host)
		end := len(d.link)
		d.link = append(d.link, path...)
		d.hosts = append(d.hosts, d.link[begin:end])
		d.linkHashes = append(d.linkHashes, xxhash.Sum64(d.link[begin:]))
	}
	if len(d.hosts) > 1 {
		slices.Sort(d.linkHashes)
		d.linkHashes = slices.Compact(d.linkHashes)
		slices.SortFunc(d.hosts, bytes.Compare)
		d.hosts = slices.CompactFunc(d.hosts, bytes.Equal)
	}
}
