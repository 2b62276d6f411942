package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"sendwatch/internal/event"
)

var secrets = cmp.AllowUnexported(Secret{}, ContactSecret{})

// surroundings are an environment and files for Parse.
type surroundings struct {
	env, files map[string]string
}

func (s surroundings) parse(text string) (Config, error) {
	return Parse([]byte(text),
		func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		func(name string) ([]byte, error) {
			if v, ok := s.files[name]; ok {
				return []byte(v), nil
			}
			return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
		})
}

const example = "../../deploy/sendwatch.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestExampleIsTheDefault loads the example as it is: it must say what holds
// anyway, so that nobody has to guess a default.
func TestExampleIsTheDefault(t *testing.T) {
	c, err := surroundings{}.parse(readExample(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), c, secrets); diff != "" {
		t.Errorf("the example differs from the defaults:\n%s", diff)
	}
}

// TestExampleHasEveryKey takes the # from the keys that are off and compares
// the keys of the example with those that are read.
func TestExampleHasEveryKey(t *testing.T) {
	full := regexp.MustCompile(`(?m)^( *)#( *[a-z_]+:)`).ReplaceAllString(readExample(t), "$1$2")
	files := map[string]string{}
	for _, m := range regexp.MustCompile(`_file: (\S+)|[^_]file: (\S+)`).FindAllStringSubmatch(regexp.MustCompile(`_files: \[(\S+)\]`).ReplaceAllString(full, "_file: $1"), -1) {
		files[m[1]+m[2]] = "0123456789abcdef0123456789abcdef\n"
	}
	if len(files) < 9 {
		t.Fatalf("found %d files in the example, it names at least 9", len(files))
	}
	around := surroundings{files: files, env: map[string]string{"KAFKA_PASSWORD": "x", "CLICKHOUSE_PASSWORD": "x"}}
	if _, err := around.parse(strings.ReplaceAll(full, "enabled: false", "enabled: true")); err != nil {
		t.Errorf("the example with all keys on: %v", err)
	}

	var document yaml.Node
	if err := yaml.Unmarshal([]byte(full), &document); err != nil {
		t.Fatal(err)
	}
	written, known := keysOf("", document.Content[0]), keys("", (&parser{}).fields(new(Config)))
	slices.Sort(written)
	slices.Sort(known)
	if diff := cmp.Diff(known, written); diff != "" {
		t.Errorf("keys that are read (-) and keys of the example (+):\n%s", diff)
	}
}

// keysOf lists the paths of a mapping's keys.
func keysOf(path string, n *yaml.Node) []string {
	var all []string
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		key := path + n.Content[i].Value
		all = append(append(all, key), keysOf(key+".", n.Content[i+1])...)
	}
	return all
}

func keys(path string, fields []field) []string {
	var all []string
	for _, f := range fields {
		all = append(append(all, path+f.key), keys(path+f.key+".", f.sub)...)
	}
	return all
}

func TestParseReadsEveryValue(t *testing.T) {
	c, err := surroundings{
		env:   map[string]string{"CH_PASSWORD": "from the environment", ContactSecretVariable: "00112233445566778899aabbccddeeff"},
		files: map[string]string{"ca": "pem", "cert": "pem", "key": "pem", "password": "from a file\n"},
	}.parse(`
roles: [sink]
kafka:
  brokers: ["a:9092", "b:9093"]
  client_id: me
  max_batch_mib: 64
  session: 7s
  framing: glue
  tls: {enabled: true, ca_file: ca, cert_file: cert, key_file: key, server_name: kafka}
  sasl: {mechanism: scram-sha-256, username: u, password_env: CH_PASSWORD, password_file: password}
  topics: {events: e, flags: f, rows: r, dead_letter: d, gateway: g}
  groups: {numbers: n, portfolios: p, sink: s, sources: o}
  create: {partitions: 3, replication_factor: 2, events_retention: 1h, flags_retention: 2h, rows_retention: 3h, dead_letter_retention: 4d}
clickhouse: {addresses: ["c:9000"], database: db, username: w, password_env: CH_PASSWORD, tls: {enabled: true}}
policy: {file: p.yaml}
numbers: {dedup_horizon: 90m, pane_size: 1024, longest_outage: 2d, max_keys: 10000, max_links: 500, silent_after: 0s, contact_outcomes: false, status_by_change: true}
checkpoints: {store: "mem://", every: 5s, keep: 9}
readiness: {kafka_silent: 2s, catching_up: 3s, held_back: 4s, watermark_behind: 5s, waiting_for_numbers: 6s, sink_behind: 7s}
http: {listen: none}
gateway:
  listen: "0.0.0.0:1"
  open: true
  token_files: [password]
  meta: {app_secret_files: [password, password], verify_token_file: password}
  twilio: {auth_token_files: [password], url: "https://x"}
  tls: {cert_file: cert, key_file: key, client_ca_file: ca}
  portfolios: {"1": "2"}
  numbers: {"447700900001": {id: "3", country: GB, connection: business_app}}
sources:
  - {topic: raw, provider: meta, wrapping: connect, number_id: "4", waba_id: "5"}
  - {topic: other, provider_header: h}
log: {level: debug, format: json}
telemetry: {service_name: x}
`)
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.Contacts.Secret.Reveal()
	if err != nil || key != [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff} {
		t.Errorf("contact secret %x, %v", key, err)
	}
	c.Contacts.Secret = ContactSecret{}
	const hour = 3600e9
	want := Config{
		Roles: []string{event.RoleSink},
		Kafka: Kafka{
			Brokers: []string{"a:9092", "b:9093"}, ClientID: "me", MaxBatchMiB: 64, Session: 7 * time.Second, Framing: "glue",
			TLS:    TLS{Enabled: true, CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "kafka"},
			SASL:   SASL{Mechanism: "scram-sha-256", Username: "u", Password: NewSecret("from a file")},
			Topics: Topics{Events: "e", Flags: "f", Rows: "r", DeadLetter: "d", Gateway: "g"},
			Groups: Groups{Numbers: "n", Portfolios: "p", Sink: "s", Sources: "o"},
			Create: Create{Partitions: 3, ReplicationFactor: 2, EventsRetention: hour, FlagsRetention: 2 * hour, RowsRetention: 3 * hour, DeadLetterRetention: 96 * hour},
		},
		ClickHouse: ClickHouse{
			Addresses: []string{"c:9000"}, Database: "db", Username: "w",
			Password: NewSecret("from the environment"), TLS: TLS{Enabled: true},
		},
		Policy: Policy{File: "p.yaml"},
		Gateway: Gateway{
			Listen: "0.0.0.0:1", Open: true, Tokens: []Secret{NewSecret("from a file")},
			Meta:       GatewayMeta{AppSecrets: []Secret{NewSecret("from a file"), NewSecret("from a file")}, VerifyToken: NewSecret("from a file")},
			Twilio:     GatewayTwilio{AuthTokens: []Secret{NewSecret("from a file")}, URL: "https://x"},
			TLS:        GatewayTLS{CertFile: "cert", KeyFile: "key", ClientCAFile: "ca"},
			Portfolios: map[string]string{"1": "2"}, Numbers: map[string]GatewayNumber{"447700900001": {ID: "3", Country: "GB", Connection: "business_app"}},
		},
		Sources: []Source{
			{Topic: "raw", Provider: "meta", Wrapping: WrappingConnect, NumberID: "4", WABAID: "5"},
			{Topic: "other", ProviderHeader: "h", Wrapping: WrappingNone},
		},
		Numbers:     Numbers{DedupHorizon: 1.5 * hour, PaneSize: 1024, LongestOutage: 48 * hour, MaxKeys: 10_000, MaxLinks: 500, SilentAfter: 0, StatusByChange: true},
		Checkpoints: Checkpoints{Store: "mem://", Every: 5e9, Keep: 9},
		Readiness:   Readiness{KafkaSilent: 2e9, CatchingUp: 3e9, HeldBack: 4e9, WatermarkBehind: 5e9, WaitingForNumbers: 6e9, SinkBehind: 7e9},
		Log:         Log{Level: "debug", Format: "json"},
		Telemetry:   Telemetry{ServiceName: "x"},
	}
	if diff := cmp.Diff(want, c, secrets); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestMistakes compares what is said about the files of testdata/mistakes with
// the .golden beside each. Run with UPDATE_GOLDEN=1 to write them again.
func TestMistakes(t *testing.T) {
	inputs, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			data, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			around := surroundings{
				env:   map[string]string{"EMPTY": ""},
				files: map[string]string{"empty": "\n", "short": "hunter2", "pem": "pem"},
			}
			if filepath.Base(input) == "environment.yaml" {
				around.env[ContactSecretVariable] = "hunter2"
			}
			_, err = around.parse(string(data))
			if err == nil {
				t.Fatal("no mistake found")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is in the text:\n%s", got)
			}
			golden := strings.TrimSuffix(input, ".yaml") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "missing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	path := filepath.Join(t.TempDir(), "sendwatch.yaml")
	if err := os.WriteFile(path, []byte("kafka: {broker: [a:1]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	if err == nil || !strings.HasPrefix(err.Error(), path+": line 1: kafka.broker: no such key, did you mean brokers?") {
		t.Errorf("a misspelt key gives %v", err)
	}
}

func FuzzParse(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/mistakes/*.yaml")
	for _, input := range append(inputs, example) {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := surroundings{env: map[string]string{ContactSecretVariable: "00112233445566778899aabbccddeeff"}}.parse(text)
		if err == nil && len(c.Roles) == 0 {
			t.Error("accepted without a role")
		}
	})
}
