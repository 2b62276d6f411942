package codec

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// splitLink returns the host of a link, as written, and what follows it up to
// `?` or `#`. A leading scheme is dropped; user info and port belong to the host.
func splitLink(link []byte) (host, path []byte) {
	link = link[schemeEnd(link):]
	hostEnd := len(link)
	for i, c := range link {
		switch {
		case c == '?' || c == '#':
			return link[:min(i, hostEnd)], link[min(i, hostEnd):i]
		case c == '/' && hostEnd == len(link):
			hostEnd = i
		}
	}
	return link[:hostEnd], link[hostEnd:]
}

// schemeEnd returns the length of a leading `[A-Za-z][A-Za-z0-9+.-]*://`, 0 if
// there is none.
func schemeEnd(s []byte) int {
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
	for i := 0; i < len(s); {
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
