package clouds

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is one bucket that speaks as much of the three protocols as checkpoints ask for.
// It remembers every write that came without the condition.
type fake struct {
	mu            sync.Mutex
	objects       map[string][]byte
	blocks        map[string][]byte // of Azure, written and not yet committed
	unconditional []string
	unknown       []string
}

var written = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// newFake returns a fake and its host and port.
func newFake(t *testing.T) (*fake, string) {
	t.Helper()
	f := &fake{objects: map[string][]byte{}, blocks: map[string][]byte{}}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return f, strings.TrimPrefix(s.URL, "http://")
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case strings.HasPrefix(path, "upload/storage/v1/b/bucket/o"):
		f.googleWrite(w, r, body)
	case strings.HasPrefix(path, "storage/v1/b/bucket/o"):
		f.google(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "storage/v1/b/bucket/o"), "/"))
	case strings.HasPrefix(path, "account/bucket"):
		f.azure(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "account/bucket"), "/"), body)
	case strings.HasPrefix(path, "bucket"):
		f.amazon(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "bucket"), "/"), body)
	default:
		f.strange(w, r)
	}
}

func (f *fake) strange(w http.ResponseWriter, r *http.Request) {
	f.unknown = append(f.unknown, r.Method+" "+r.URL.String())
	w.WriteHeader(http.StatusNotImplemented)
}

// names returns the objects of a prefix in order.
func (f *fake) names(prefix string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f.objects)), func(n string) bool { return !strings.HasPrefix(n, prefix) })
}

// store takes an object, false if there is one and the writer does not want that.
func (f *fake) store(name string, data []byte, conditional bool) bool {
	if !conditional {
		f.unconditional = append(f.unconditional, name)
	} else if _, there := f.objects[name]; there {
		return false
	}
	f.objects[name] = bytes.Clone(data)
	return true
}

// serve answers with an object.
func (f *fake) serve(w http.ResponseWriter, name string) {
	data, there := f.objects[name]
	if !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Header().Set("Last-Modified", written.Format(http.TimeFormat))
	w.Header().Set("ETag", `"1"`)
	w.Header().Set("X-Goog-Generation", "1")
	w.Header().Set("X-Goog-Metageneration", "1")
	w.Header().Set("X-Goog-Hash", "crc32c="+sum(data))
	_, _ = w.Write(data)
}

func sum(data []byte) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	return base64.StdEncoding.EncodeToString(b[:])
}

func reply(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if contentType == "application/json" {
		_ = json.NewEncoder(w).Encode(v)
		return
	}
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(v)
}

func (f *fake) amazon(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	type object struct {
		Key, LastModified, ETag string
		Size                    int
	}
	type list struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name, Prefix          string
		KeyCount, MaxKeys     int
		IsTruncated           bool
		NextContinuationToken string   `xml:",omitempty"`
		Contents              []object `xml:"Contents"`
	}
	type failure struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	switch {
	case r.Method == http.MethodGet && name == "":
		// Two a page, so that the listing has to be read to its end.
		query := r.URL.Query()
		all := f.names(query.Get("prefix"))
		from, _ := strconv.Atoi(query.Get("continuation-token"))
		l := list{Name: "bucket", Prefix: query.Get("prefix"), MaxKeys: 2}
		for _, n := range all[from:min(from+2, len(all))] {
			l.Contents = append(l.Contents, object{n, written.Format(time.RFC3339), `"1"`, len(f.objects[n])})
		}
		if l.KeyCount = len(l.Contents); from+2 < len(all) {
			l.IsTruncated, l.NextContinuationToken = true, strconv.Itoa(from+2)
		}
		reply(w, http.StatusOK, "application/xml", l)
	case r.Method == http.MethodPut && len(r.URL.Query()) <= 1:
		if !f.store(name, body, r.Header.Get("If-None-Match") == "*") {
			reply(w, http.StatusPreconditionFailed, "application/xml", failure{Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"})
			return
		}
		w.Header().Set("ETag", `"1"`)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		f.serve(w, name)
	case r.Method == http.MethodDelete:
		delete(f.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		f.strange(w, r)
	}
}

func (f *fake) googleObject(name string) map[string]any {
	return map[string]any{
		"kind": "storage#object", "name": name, "bucket": "bucket", "generation": "1", "metageneration": "1",
		"size": strconv.Itoa(len(f.objects[name])), "updated": written.Format(time.RFC3339), "timeCreated": written.Format(time.RFC3339), "crc32c": sum(f.objects[name]),
	}
}

func (f *fake) google(w http.ResponseWriter, r *http.Request, name string) {
	switch {
	case r.Method == http.MethodGet && name == "":
		items := []any{}
		for _, n := range f.names(r.URL.Query().Get("prefix")) {
			items = append(items, f.googleObject(n))
		}
		reply(w, http.StatusOK, "application/json", map[string]any{"kind": "storage#objects", "items": items})
	case r.Method == http.MethodDelete:
		delete(f.objects, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		f.strange(w, r)
	}
}

func (f *fake) googleWrite(w http.ResponseWriter, r *http.Request, body []byte) {
	_, kind, _ := strings.Cut(r.Header.Get("Content-Type"), "/")
	_, parameters, err := mime.ParseMediaType("multipart/" + kind)
	if err != nil || r.URL.Query().Get("uploadType") != "multipart" {
		f.strange(w, r)
		return
	}
	parts := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	var read [2][]byte
	for i := range read {
		p, err := parts.NextPart()
		if err != nil {
			f.strange(w, r)
			return
		}
		read[i], _ = io.ReadAll(p)
	}
	var about struct{ Name string }
	_ = json.Unmarshal(read[0], &about)
	if !f.store(about.Name, read[1], r.URL.Query().Get("ifGenerationMatch") == "0") {
		reply(w, http.StatusPreconditionFailed, "application/json", map[string]any{"error": map[string]any{
			"code": 412, "message": "At least one of the pre-conditions you specified did not hold.", "errors": []any{map[string]any{"reason": "conditionNotMet"}},
		}})
		return
	}
	reply(w, http.StatusOK, "application/json", f.googleObject(about.Name))
}

func (f *fake) azure(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	query := r.URL.Query()
	w.Header().Set("Last-Modified", written.Format(http.TimeFormat))
	w.Header().Set("ETag", `"1"`)
	switch {
	case query.Get("comp") == "list":
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, xml.Header, `<EnumerationResults ContainerName="bucket"><Blobs>`)
		for _, n := range f.names(query.Get("prefix")) {
			fmt.Fprintf(w, `<Blob><Name>%s</Name><Properties><Last-Modified>%s</Last-Modified><Etag>1</Etag><Content-Length>%d</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>`,
				n, written.Format(http.TimeFormat), len(f.objects[n]))
		}
		fmt.Fprint(w, `</Blobs><NextMarker/></EnumerationResults>`)
	case r.Method == http.MethodPut && query.Get("comp") == "block":
		f.blocks[query.Get("blockid")] = body
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPut:
		data := body
		if query.Get("comp") == "blocklist" {
			var blocks struct{ Latest []string }
			_ = xml.Unmarshal(body, &blocks)
			data = nil
			for _, id := range blocks.Latest {
				data = append(data, f.blocks[id]...)
			}
		}
		if !f.store(name, data, r.Header.Get("If-None-Match") == "*") {
			w.Header().Set("X-Ms-Error-Code", "BlobAlreadyExists")
			w.WriteHeader(http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		f.serve(w, name)
	case r.Method == http.MethodDelete:
		delete(f.objects, name)
		w.WriteHeader(http.StatusAccepted)
	default:
		f.strange(w, r)
	}
}
