package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
	"sendwatch/internal/webhook"
)

const day = 24 * time.Hour

// parser holds where secrets and certificates come from.
type parser struct {
	lookupEnv func(string) (string, bool)
	readFile  func(string) ([]byte, error)
}

// field is one key of a section and how its value is read.
type field struct {
	key  string
	read func(strictyaml.Value)
	sub  []field // of a section
}

// Parse reads the text of a sendwatch.yaml, with the environment and the files
// it names at hand. What it does not say is as in Default.
func Parse(data []byte, lookupEnv func(string) (string, bool), readFile func(string) ([]byte, error)) (Config, error) {
	c := Default()
	p := &parser{lookupEnv, readFile}
	doc, root := strictyaml.Read(data)
	read(root, p.fields(&c))
	p.contactSecretFromEnv(&c, doc)
	staticNeedsCheckpoints(&c, doc)
	if err := doc.Err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// read reads a section with the fields it may have.
func read(v strictyaml.Value, fields []field) {
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].key
	}
	v.Record(keys, func(key string, v strictyaml.Value) {
		for i := range fields {
			if fields[i].key == key {
				fields[i].read(v)
			}
		}
	})
}

// section is a field that holds fields. after, if not nil, looks at the whole.
func section(key string, fields []field, after func(strictyaml.Value)) field {
	return field{key: key, sub: fields, read: func(v strictyaml.Value) {
		read(v, fields)
		if after != nil {
			after(v)
		}
	}}
}

// fields are the keys of the file. They are the one list of keys there is: the
// example file is tested against it.
func (p *parser) fields(c *Config) []field {
	return []field{
		words("roles", &c.Roles, []string{event.RoleNumbers, event.RolePortfolios, event.RoleSink, event.RoleGateway}),
		section("kafka", p.kafka(&c.Kafka), nil),
		p.clickHouse(&c.ClickHouse),
		section("contacts", []field{{key: "secret_file", read: func(v strictyaml.Value) { p.contactSecret(v, &c.Contacts.Secret) }}}, nil),
		section("policy", []field{
			text("file", &c.Policy.File, "the path of a policy file"),
			text("folder", &c.Policy.Folder, "the path of a folder"),
			text("shadow_file", &c.Policy.Shadow, "the path of a policy file"),
		}, nil),
		section("numbers", []field{
			span("dedup_horizon", &c.Numbers.DedupHorizon, time.Second, 7*day),
			{key: "pane_size", read: func(v strictyaml.Value) { paneSize(v, &c.Numbers.PaneSize) }},
			span("longest_outage", &c.Numbers.LongestOutage, 0, 365*day),
			whole("max_keys", &c.Numbers.MaxKeys, 0, 1<<30),
			whole("max_links", &c.Numbers.MaxLinks, 0, 1<<30),
			span("silent_after", &c.Numbers.SilentAfter, 0, 365*day),
			{key: "contact_outcomes", read: func(v strictyaml.Value) { c.Numbers.ContactOutcomes, _ = v.Bool() }},
			{key: "status_by_change", read: func(v strictyaml.Value) { c.Numbers.StatusByChange, _ = v.Bool() }},
		}, nil),
		section("checkpoints", []field{
			text("store", &c.Checkpoints.Store, "a URL such as file:///var/lib/sendwatch/checkpoints, s3://bucket?region=eu-west-1, gs://bucket or azblob://container"),
			span("every", &c.Checkpoints.Every, time.Second, day),
			whole("keep", &c.Checkpoints.Keep, 2, 1000),
		}, nil),
		section("readiness", []field{
			span("kafka_silent", &c.Readiness.KafkaSilent, 2*time.Second, day),
			span("catching_up", &c.Readiness.CatchingUp, time.Second, day),
			span("held_back", &c.Readiness.HeldBack, time.Second, day),
			span("watermark_behind", &c.Readiness.WatermarkBehind, time.Second, 365*day),
			span("waiting_for_numbers", &c.Readiness.WaitingForNumbers, time.Second, 365*day),
			span("sink_behind", &c.Readiness.SinkBehind, 2*time.Second, day),
		}, nil),
		section("http", []field{{key: "listen", read: func(v strictyaml.Value) { listen(v, &c.HTTP.Listen) }}}, nil),
		p.gateway(&c.Gateway),
		sources(&c.Sources, webhook.Providers()),
		section("log", []field{
			word("level", &c.Log.Level, "debug", "info", "warn", "error"),
			word("format", &c.Log.Format, "text", "json"),
		}, nil),
		section("telemetry", []field{text("service_name", &c.Telemetry.ServiceName, "a name")}, nil),
	}
}

func (p *parser) kafka(k *Kafka) []field {
	return []field{
		addresses("brokers", &k.Brokers),
		text("client_id", &k.ClientID, "a name for the brokers' logs"),
		whole("max_batch_mib", &k.MaxBatchMiB, 1, 1<<20),
		span("session", &k.Session, time.Second, 30*time.Minute),
		p.static(&k.Static),
		word("framing", &k.Framing, "confluent", "apicurio", "glue"),
		p.tls(&k.TLS),
		p.sasl(&k.SASL),
		section("topics", []field{
			topic("events", &k.Topics.Events), topic("flags", &k.Topics.Flags),
			topic("rows", &k.Topics.Rows), topic("dead_letter", &k.Topics.DeadLetter), topic("gateway", &k.Topics.Gateway),
		}, func(v strictyaml.Value) {
			differ(v, "topics", k.Topics.Events, k.Topics.Flags, k.Topics.Rows, k.Topics.DeadLetter, k.Topics.Gateway)
		}),
		section("groups", []field{
			topic("numbers", &k.Groups.Numbers), topic("portfolios", &k.Groups.Portfolios), topic("sink", &k.Groups.Sink), topic("sources", &k.Groups.Sources),
		}, func(v strictyaml.Value) {
			differ(v, "groups", k.Groups.Numbers, k.Groups.Portfolios, k.Groups.Sink, k.Groups.Sources)
		}),
		section("create", []field{
			whole("partitions", &k.Create.Partitions, 1, 10_000),
			whole("replication_factor", &k.Create.ReplicationFactor, 0, 100),
			span("events_retention", &k.Create.EventsRetention, time.Hour, 3650*day),
			span("flags_retention", &k.Create.FlagsRetention, time.Hour, 3650*day),
			span("rows_retention", &k.Create.RowsRetention, time.Hour, 3650*day),
			span("dead_letter_retention", &k.Create.DeadLetterRetention, time.Hour, 3650*day),
		}, nil),
	}
}

func (p *parser) clickHouse(c *ClickHouse) field {
	password, resolve := p.password(&c.Password)
	return section("clickhouse", append([]field{
		addresses("addresses", &c.Addresses),
		{key: "database", read: func(v strictyaml.Value) { identifier(v, &c.Database) }},
		text("username", &c.Username, "the name of a user"),
		p.tls(&c.TLS),
	}, password...), func(strictyaml.Value) { resolve() })
}

func (p *parser) tls(t *TLS) field {
	const accepted = "the path of a PEM file that can be read"
	return section("tls", []field{
		{key: "enabled", read: func(v strictyaml.Value) {
			on, ok := v.Bool()
			t.Enabled = on || !ok
		}},
		p.file("ca_file", &t.CAFile, accepted), p.file("cert_file", &t.CertFile, accepted), p.file("key_file", &t.KeyFile, accepted),
		text("server_name", &t.ServerName, "the name in the server's certificate"),
	}, func(v strictyaml.Value) {
		if (t.CertFile == "") != (t.KeyFile == "") {
			v.Wrong("has one of cert_file and key_file", "both or neither")
		}
		if !t.Enabled && (t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != "") {
			v.Wrong("is set up but not enabled", "enabled: true, or no other key")
		}
	})
}

func (p *parser) sasl(s *SASL) field {
	password, resolve := p.password(&s.Password)
	return section("sasl", append([]field{
		word("mechanism", &s.Mechanism, "plain", "scram-sha-256", "scram-sha-512"),
		text("username", &s.Username, "the name of a user"),
	}, password...), func(v strictyaml.Value) {
		resolve()
		const accepted = "mechanism, username and one of password_file and password_env, or no sasl"
		switch {
		case s.Mechanism == "":
			v.Wrong("has no mechanism", accepted)
		case s.Username == "":
			v.Wrong("has no username", accepted)
		case s.Password == Secret{}:
			v.Wrong("has no password", accepted)
		}
	})
}

// password returns the two keys that lead to a password, and what to call when
// both were read: the file wins over the variable, whatever their order.
func (p *parser) password(to *Secret) (fields []field, resolve func()) {
	const accepted = "the name of an environment variable that is set"
	var variable strictyaml.Value
	fields = []field{
		{key: "password_file", read: func(v strictyaml.Value) {
			s, ok := p.secretFile(v)
			*to = NewSecret(strictyaml.OrUnread(s, ok))
		}},
		{key: "password_env", read: func(v strictyaml.Value) { variable = v }},
	}
	return fields, func() {
		if !variable.Exists() {
			return
		}
		name, ok := variable.Text(accepted)
		if !ok || *to != (Secret{}) {
			*to = NewSecret(strictyaml.OrUnread(to.text, *to != Secret{}))
			return
		}
		value, _ := p.lookupEnv(name)
		if value == "" {
			// Its name is not shown: somebody may have written the password itself.
			variable.Wrong("the environment variable of this name is not set", accepted)
		}
		*to = NewSecret(strictyaml.OrUnread(value, value != ""))
	}
}

// secretFile reads a secret from the file named here, without the line's end.
func (p *parser) secretFile(v strictyaml.Value) (string, bool) {
	const accepted = "the path of a file that can be read and holds the secret alone"
	path, ok := v.Text(accepted)
	if !ok {
		return "", false
	}
	data, err := p.readFile(path)
	if err != nil {
		// The path is not shown: somebody may have written the secret itself.
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			err = at.Err
		}
		v.Wrong("the file of this name cannot be read: "+err.Error(), accepted)
		return "", false
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		v.Wrong("the file is empty", accepted)
		return "", false
	}
	return text, true
}

func (p *parser) contactSecret(v strictyaml.Value, s *ContactSecret) {
	text, ok := p.secretFile(v)
	if !ok {
		s.set = true // no second mistake for want of it
		return
	}
	var err error
	if *s, err = parseContactSecret(strings.TrimSpace(text)); err != nil {
		s.set = true
		v.Wrong("what the file holds "+err.Error(), acceptedContactSecret)
	}
}

// contactSecretFromEnv looks into the environment where no file was named. A
// missing secret is no mistake here: only what reads contacts needs one.
func (p *parser) contactSecretFromEnv(c *Config, doc *strictyaml.Document) {
	if c.Contacts.Secret.set {
		return
	}
	value, ok := p.lookupEnv(ContactSecretVariable)
	if !ok || value == "" {
		return
	}
	var err error
	if c.Contacts.Secret, err = parseContactSecret(strings.TrimSpace(value)); err != nil {
		doc.Wrong("the environment variable "+ContactSecretVariable+" "+err.Error(), acceptedContactSecret)
	}
}

// file is a key that names a file, which must be there.
func (p *parser) file(key string, to *string, accepted string) field {
	return field{key: key, read: func(v strictyaml.Value) {
		path, ok := v.Text(accepted)
		if !ok {
			return
		}
		if _, err := p.readFile(path); err != nil {
			v.Wrong(err.Error(), accepted)
		}
		*to = path
	}}
}

func text(key string, to *string, accepted string) field {
	return field{key: key, read: func(v strictyaml.Value) {
		s, ok := v.Text(accepted)
		*to = strictyaml.OrUnread(s, ok)
	}}
}

func word(key string, to *string, allowed ...string) field {
	return field{key: key, read: func(v strictyaml.Value) {
		s, ok := v.Word(allowed)
		*to = strictyaml.OrUnread(s, ok)
	}}
}

// words is a key with a list of distinct words, at least one.
func words(key string, to *[]string, allowed []string) field {
	return field{key: key, read: func(v strictyaml.Value) {
		accepted := "a list of one or more of " + strings.Join(allowed, ", ")
		items, ok := v.List(accepted)
		if !ok {
			return
		}
		if len(items) == 0 {
			v.Wrong("is an empty list", accepted)
		}
		var list []string
		for _, item := range items {
			if s, ok := item.Word(allowed); ok {
				list = append(list, s)
			}
		}
		noneTwice(items, list)
		*to = list
	}}
}

func addresses(key string, to *[]string) field {
	return field{key: key, read: func(v strictyaml.Value) {
		const accepted = "a list of host:port"
		items, ok := v.List(accepted)
		if !ok {
			return
		}
		if len(items) == 0 {
			v.Wrong("is an empty list", accepted)
		}
		var list []string
		for _, item := range items {
			if s, ok := item.Text("host:port"); ok {
				switch {
				case isAddress(s):
				case strings.Contains(s, "@"): // not shown: there may be a password in it
					item.Wrong("has a user in front", "host:port; users and passwords have keys of their own")
				default:
					item.Wrong(strconv.Quote(s)+" is no address", "host:port, the port from 1 to 65535")
				}
				list = append(list, s)
			}
		}
		noneTwice(items, list)
		*to = list
	}}
}

// noneTwice notes an item that is in the list twice.
func noneTwice(items []strictyaml.Value, list []string) {
	if len(list) != len(items) {
		return // some could not be read
	}
	seen := map[string]bool{}
	for i, s := range list {
		if seen[s] {
			items[i].Wrong(strconv.Quote(s)+" is in the list twice", "each once")
		}
		seen[s] = true
	}
}

func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func listen(v strictyaml.Value, to *string) {
	const accepted = "host:port, such as localhost:8080 or 0.0.0.0:8080, or none"
	s, ok := v.Text(accepted)
	switch {
	case !ok:
	case s == "none":
		*to = ""
	case strings.HasPrefix(s, ":"), !isAddress(s) && !strings.HasSuffix(s, ":0"):
		v.Wrong(strconv.Quote(s)+" is no address to listen on", accepted)
	default:
		*to = s
	}
}

// topic reads the name of a topic or a group, by Kafka's rules for topics.
func topic(key string, to *string) field {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	const accepted = "1 to 249 letters, digits, dots, underscores and hyphens"
	return field{key: key, read: func(v strictyaml.Value) {
		s, ok := v.Text(accepted)
		if !ok {
			return
		}
		if len(s) > 249 || strings.Trim(s, letters) != "" || s == "." || s == ".." {
			v.Wrong(strconv.Quote(s)+" is no name that Kafka takes", accepted)
			return
		}
		*to = s
	}}
}

// differ notes names that are used for two things.
func differ(v strictyaml.Value, what string, names ...string) {
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			v.Wrong(strconv.Quote(n)+" is the name of two "+what, "a name for each")
		}
		seen[n] = true
	}
}

// identifier reads the name of a database, which goes into statements as it is.
func identifier(v strictyaml.Value, to *string) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	const accepted = "letters, digits and underscores, no digit first, at most 63"
	s, ok := v.Text(accepted)
	if !ok {
		return
	}
	if len(s) > 63 || strings.Trim(s, letters) != "" || s[0] <= '9' {
		v.Wrong(strconv.Quote(s)+" is no name for a database", accepted)
		return
	}
	*to = s
}

func span(key string, to *time.Duration, least, most time.Duration) field {
	return field{key: key, read: func(v strictyaml.Value) {
		if d, ok := v.Duration(least, most); ok {
			*to = d
		}
	}}
}

func whole(key string, to *int, least, most int64) field {
	return field{key: key, read: func(v strictyaml.Value) {
		if n, ok := v.Whole(least, most); ok {
			*to = int(n)
		}
	}}
}

func paneSize(v strictyaml.Value, to *int) {
	n, ok := v.Whole(1<<8, 1<<24)
	if !ok {
		return
	}
	if n&(n-1) != 0 {
		v.Wrong(fmt.Sprintf("%d is no power of two", n), "a power of two from 256 to 16777216, such as 65536")
		return
	}
	*to = int(n)
}
