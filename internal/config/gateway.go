package config

import (
	"slices"
	"strconv"
	"strings"

	"sendwatch/internal/event"
	"sendwatch/internal/strictyaml"
)

// Gateway is where webhooks and sends are taken, and whose.
type Gateway struct {
	Listen string // host:port; empty: nowhere
	TLS    GatewayTLS
	// Open takes bodies that nothing vouches for: on a private network only.
	Open bool
	// Tokens are shared with those that cannot sign; each counts.
	Tokens []Secret
	Meta   GatewayMeta
	Twilio GatewayTwilio
	// Portfolios names the portfolio that owns a WABA, where no webhook tells it.
	Portfolios map[string]string
	// Numbers tells of numbers by the digits that are displayed of them.
	Numbers map[string]GatewayNumber
}

// GatewayTLS is the gateway's certificate, and whose certificates it wants.
type GatewayTLS struct {
	CertFile, KeyFile string // PEM; empty: no TLS, it ends before the gateway
	ClientCAFile      string // PEM; given, a client without a certificate of these is refused
}

// GatewayMeta is what Meta signs and asks with.
type GatewayMeta struct {
	AppSecrets  []Secret // each counts: several apps, or two during a change
	VerifyToken Secret
}

// GatewayTwilio is what Twilio signs with.
type GatewayTwilio struct {
	AuthTokens []Secret
	URL        string // the address under which Twilio calls, up to the path
}

// GatewayNumber is what is known of a number.
type GatewayNumber struct {
	ID      string // number_id; empty: its digits
	Country string // two letters; empty: by the calling code
	// Connection is cloud_api, business_app or web_session; empty: by the provider.
	Connection string
}

// Source is a topic of webhooks' bodies.
type Source struct {
	Topic          string
	Provider       string // whose bodies; empty: the header says it
	ProviderHeader string
	Wrapping       string // none, connect, base64
	NumberID       string // where the bodies name none
	WABAID         string
}

// The ways in which a body may be wrapped in a record.
const (
	WrappingNone    = "none"    // the record is the body
	WrappingConnect = "connect" // Kafka Connect's JSON converter: {"schema", "payload"}
	WrappingBase64  = "base64"  // a JSON string, or plain text, in base64
)

// gateway are the keys of the section gateway.
func (p *parser) gateway(g *Gateway) field {
	return section("gateway", []field{
		{key: "listen", read: func(v strictyaml.Value) { listen(v, &g.Listen) }},
		{key: "open", read: func(v strictyaml.Value) { g.Open, _ = v.Bool() }},
		p.secretFiles("token_files", &g.Tokens),
		section("meta", []field{
			p.secretFiles("app_secret_files", &g.Meta.AppSecrets),
			{key: "verify_token_file", read: func(v strictyaml.Value) {
				s, ok := p.secretFile(v)
				g.Meta.VerifyToken = NewSecret(strictyaml.OrUnread(s, ok))
			}},
		}, nil),
		section("twilio", []field{
			p.secretFiles("auth_token_files", &g.Twilio.AuthTokens),
			text("url", &g.Twilio.URL, "the address under which Twilio calls, such as https://hooks.example.com"),
		}, func(v strictyaml.Value) {
			if len(g.Twilio.AuthTokens) > 0 && !strings.Contains(g.Twilio.URL, "://") {
				v.Wrong("has no url", "url with auth_token_files: Twilio's signature covers the address that it calls")
			}
		}),
		section("tls", []field{
			p.file("cert_file", &g.TLS.CertFile, acceptedPEM), p.file("key_file", &g.TLS.KeyFile, acceptedPEM),
			p.file("client_ca_file", &g.TLS.ClientCAFile, acceptedPEM),
		}, func(v strictyaml.Value) {
			if (g.TLS.CertFile == "") != (g.TLS.KeyFile == "") {
				v.Wrong("has one of cert_file and key_file", "both or neither")
			}
			if g.TLS.CertFile == "" && g.TLS.ClientCAFile != "" {
				v.Wrong("asks for certificates and has none", "cert_file and key_file beside client_ca_file")
			}
		}),
		{key: "portfolios", read: func(v strictyaml.Value) { pairs(v, &g.Portfolios) }},
		{key: "numbers", read: func(v strictyaml.Value) { gatewayNumbers(v, &g.Numbers) }},
	}, nil)
}

const acceptedPEM = "the path of a PEM file that can be read"

// secretFiles is a key with a list of files, each of which holds a secret.
func (p *parser) secretFiles(key string, to *[]Secret) field {
	return field{key: key, read: func(v strictyaml.Value) {
		items, ok := v.List("a list of paths of files, each of which holds a secret alone")
		if !ok {
			return
		}
		*to = nil
		for _, item := range items {
			s, ok := p.secretFile(item)
			*to = append(*to, NewSecret(strictyaml.OrUnread(s, ok)))
		}
	}}
}

// pairs reads a mapping of any names to texts.
func pairs(v strictyaml.Value, to *map[string]string) {
	v.Fields(func(key string, v strictyaml.Value) {
		if s, ok := v.Text("the id of a portfolio"); ok {
			if *to == nil {
				*to = map[string]string{}
			}
			(*to)[key] = s
		}
	})
}

// gatewayNumbers reads a mapping of digits to what is known of a number.
func gatewayNumbers(v strictyaml.Value, to *map[string]GatewayNumber) {
	v.Fields(func(key string, v strictyaml.Value) {
		var n GatewayNumber
		if !event.IsPhoneNumber([]byte(key)) {
			v.Wrong("stands under a name that is no number", "the number as WhatsApp displays it, in digits alone")
		}
		read(v, []field{
			text("id", &n.ID, "the number_id"),
			{key: "country", read: func(v strictyaml.Value) {
				s, ok := v.Text("two letters")
				if _, known := event.ParseCountry([]byte(s)); ok && !known {
					v.Wrong(strconv.Quote(s)+" is no country", "two letters, such as GB")
				}
				n.Country = s
			}},
			word("connection", &n.Connection, "cloud_api", "business_app", "web_session"),
		})
		if *to == nil {
			*to = map[string]GatewayNumber{}
		}
		(*to)[key] = n
	})
}

// sources is the list of topics with bodies.
func sources(to *[]Source, providers []string) field {
	return field{key: "sources", read: func(v strictyaml.Value) {
		items, ok := v.List("a list of topics: {topic, provider or provider_header, wrapping}")
		if !ok {
			return
		}
		*to = nil
		for _, item := range items {
			s := Source{Wrapping: WrappingNone}
			read(item, []field{
				topic("topic", &s.Topic),
				word("provider", &s.Provider, providers...),
				text("provider_header", &s.ProviderHeader, "the name of a record header that holds the provider's name"),
				word("wrapping", &s.Wrapping, WrappingNone, WrappingConnect, WrappingBase64),
				text("number_id", &s.NumberID, "the number, where the bodies name none"),
				text("waba_id", &s.WABAID, "the WhatsApp Business Account, where the bodies name none"),
			})
			switch {
			case s.Topic == "":
				item.Missing("the name of a topic", "topic")
			case (s.Provider == "") == (s.ProviderHeader == ""):
				item.Wrong("has none or both of provider and provider_header", "one of the two")
			case slices.ContainsFunc(*to, func(other Source) bool { return other.Topic == s.Topic }):
				item.Wrong(strconv.Quote(s.Topic)+" is in the list twice", "each topic once")
			}
			*to = append(*to, s)
		}
	}}
}
