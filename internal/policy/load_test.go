package policy

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sendwatch/internal/event"
)

// TestDefaultIsTheContract holds the shipped policy against section 5 of the
// contract, cell by cell.
func TestDefaultIsTheContract(t *testing.T) {
	none := Threshold{}
	over := func(n float64) Threshold { return Threshold{Op: OpAbove, Value: n} }
	from := func(n float64) Threshold { return Threshold{Op: OpAtLeast, Value: n} }
	under := func(n float64) Threshold { return Threshold{Op: OpBelow, Value: n} }
	upTo := func(n float64) Threshold { return Threshold{Op: OpAtMost, Value: n} }
	words := func(w ...string) Threshold { return Threshold{Words: w} }
	rule := func(warn, danger Threshold, sample, weight float64) Rule {
		return Rule{On: true, Warn: warn, Danger: danger, Sample: sample, Weight: weight}
	}
	community := [event.NumFactors]Rule{
		event.FactorVelocityHour:  rule(from(30), over(60), 0, 20),
		event.FactorVelocityBurst: rule(from(3), from(5), 0, 10),
		event.FactorDailyVolume: {On: true, Weight: 20, Steps: []Step{
			{UntilDay: 3, Warn: over(40), Danger: over(50)},
			{UntilDay: 7, Warn: over(80), Danger: over(100)},
			{UntilDay: 21, Warn: over(150), Danger: from(200)},
		}},
		event.FactorReplyRatio:           rule(under(0.30), under(0.15), 50, 15),
		event.FactorReplyNowcast:         rule(under(0.25), under(0.15), 20, 15),
		event.FactorColdStart:            rule(under(0.40), under(0.30), 10, 10),
		event.FactorUnanswered:           rule(over(0.50), over(0.85), 100, 15),
		event.FactorMechanicalTiming:     rule(under(0.20), under(0.10), 0, 15),
		event.FactorActiveHours:          rule(over(8), none, 50, 3),
		event.FactorConversationPressure: rule(from(3), from(5), 0, 5),
		event.FactorGroupAdd:             rule(from(10), from(25), 0, 10),
		event.FactorBlockRate:            rule(from(0.01), from(0.02), 100, 25),
		event.FactorOptOut:               rule(none, from(1), 0, 15),
		event.FactorOptIn:                rule(from(0.05), from(0.20), 50, 10),
		event.FactorDelivery:             rule(under(0.90), under(0.75), 100, 10),
		event.FactorInvalidContacts:      rule(from(0.03), from(0.08), 100, 5),
		event.FactorIdenticalBatch:       rule(from(12), from(15), 0, 15),
		event.FactorMediaRepeat:          rule(from(50), from(100), 0, 5),
		event.FactorLinkRepeat:           rule(from(15), from(30), 0, 5),
		event.FactorNumberAge:            rule(upTo(10), none, 0, 10),
		event.FactorOrigin:               rule(words("voip"), none, 0, 5),
		event.FactorRegion:               rule(none, words("DIFFERS"), 0, 10),
		event.FactorForeignContacts:      rule(over(0.30), over(0.60), 50, 5),
		event.FactorDormancy:             rule(from(20), over(50), 0, 10),
		event.FactorNewLink:              rule(from(20), none, 0, 5),
		event.FactorQuality:              rule(words("YELLOW"), words("RED"), 0, 20),
		event.FactorTemplateQuality:      rule(words("YELLOW", "FLAGGED", "PAUSED"), words("RED", "DISABLED", "PAUSED_AGAIN"), 0, 10),
		event.FactorSpamErrors:           rule(from(1), from(2), 0, 25),
		event.FactorReachout:             rule(from(1), from(3), 0, 15),
		event.FactorNewChatCap: rule(
			Threshold{Op: OpAtLeast, Value: 0.80, Words: []string{"FIRST_WARNING"}},
			Threshold{Op: OpAtLeast, Value: 0.95, Words: []string{"SECOND_WARNING", "CAPPED"}}, 0, 20),
		event.FactorAccountErrors:    rule(none, from(1), 0, 40),
		event.FactorRestriction:      rule(words("warned"), words("restricted", "banned"), 0, 60),
		event.FactorRestart:          rule(words("SENT_WITHIN_5D"), words("SENT_WITHIN_3D"), 0, 20),
		event.FactorTrustScore:       rule(under(80), under(40), 0, 0),
		event.FactorLimitUsage:       rule(from(0.80), from(0.95), 0, 0),
		event.FactorContagion:        rule(from(1), from(2), 0, 0),
		event.FactorSharedConnection: rule(from(3), from(10), 0, 0),
	}
	cloud := community
	for _, off := range []event.Factor{
		event.FactorVelocityHour, event.FactorVelocityBurst, event.FactorDailyVolume, event.FactorActiveHours,
		event.FactorMechanicalTiming, event.FactorMediaRepeat, event.FactorLinkRepeat, event.FactorForeignContacts, event.FactorColdStart,
	} {
		cloud[off].On = false
	}
	cloud[event.FactorIdenticalBatch] = rule(from(1000), from(10000), 0, 5)
	cloud[event.FactorReplyRatio] = rule(under(0.05), under(0.01), 500, 5)
	cloud[event.FactorReplyNowcast] = rule(under(0.05), under(0.01), 500, 5)
	cloud[event.FactorUnanswered] = rule(over(0.97), over(0.995), 1000, 5)

	p := Default()
	for connection, want := range map[event.Connection]*[event.NumFactors]Rule{
		event.ConnectionNone: &community, event.ConnectionBusinessApp: &community,
		event.ConnectionWebSession: &community, event.ConnectionCloudAPI: &cloud,
	} {
		got := p.Profiles[p.Index([]byte("n"), []byte("p"), connection)]
		for f := range event.NumFactors {
			if diff := cmp.Diff(want[f], got.Rules[f]); diff != "" {
				t.Errorf("%q, %s (-contract +policy):\n%s", connection, f, diff)
			}
		}
	}
	factors := func(f ...event.Factor) (s FactorSet) {
		for _, f := range f {
			s |= 1 << f
		}
		return s
	}
	replies := factors(event.FactorReplyRatio, event.FactorReplyNowcast, event.FactorColdStart, event.FactorUnanswered, event.FactorConversationPressure)
	want := conditions{
		silences: Silences{
			Without: [numInputs]FactorSet{
				replies | factors(event.FactorOptOut),
				factors(event.FactorDelivery, event.FactorInvalidContacts, event.FactorSpamErrors, event.FactorReachout, event.FactorAccountErrors),
				factors(event.FactorRestriction, event.FactorRestart),
				factors(event.FactorTemplateQuality),
			},
			NoStatus: factors(event.FactorDelivery),
			Unlinked: replies, UnlinkedInbounds: 10, UnlinkedShare: 0.25,
		},
		ceilings: Ceilings{
			Answered: factors(
				event.FactorVelocityHour, event.FactorVelocityBurst, event.FactorDailyVolume, event.FactorActiveHours, event.FactorIdenticalBatch,
				event.FactorMediaRepeat, event.FactorLinkRepeat, event.FactorDormancy, event.FactorNewLink, event.FactorForeignContacts,
			),
			AnsweredAwaited: 50, AnsweredRatio: 0.25,
			Unregistered: factors(event.FactorDailyVolume),
		},
		nowcast: Prior{Answered: [DelayClasses]float64{0.4, 0.25, 0.25, 0.3, 0.3, 0.4, 0.6, 0.5, 0.2}, Unanswered: 4.8},
		cold:    Prior{Answered: [DelayClasses]float64{0.36, 0.18, 0.18, 0.12, 0.12, 0.07, 0.07, 0.06, 0.04}, Unanswered: 2.8},
	}
	if got := (conditions{p.Silences, p.Ceilings, p.Nowcast, p.Cold}); got != want {
		t.Errorf("conditions: %+v, the contract says %+v", got, want)
	}
	if p.Hysteresis != 600_000 {
		t.Errorf("hysteresis %d ms, the contract says 10 min", p.Hysteresis)
	}
	if diff := cmp.Diff([]string{"STOP", "UNSUBSCRIBE", "CANCEL", "PARAR", "SAIR", "BAJA", "ARRÊT", "توقف"}, p.StopWords); diff != "" {
		t.Errorf("stop words: %s", diff)
	}
	if diff := cmp.Diff([]string{"START", "UNSTOP", "RESUME"}, p.ResumeWords); diff != "" {
		t.Errorf("resume words: %s", diff)
	}
	if !strings.HasPrefix(p.Version, "default-") || len(p.Version) != len("default-")+12 {
		t.Errorf("version %q is not the name and 12 digits", p.Version)
	}
}

// TestOverrides follows each number of testdata/overrides.yaml to its rules.
func TestOverrides(t *testing.T) {
	data, err := os.ReadFile("testdata/overrides.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		number, portfolio string
		connection        event.Connection
		factor            event.Factor
		want              string // on, warn, danger
	}{
		{"1", "", event.ConnectionWebSession, event.FactorVelocityHour, "true >= 20 > 60"},
		{"1", "", event.ConnectionNone, event.FactorVelocityHour, "false >= 20 > 60"}, // unknown is cloud_api here
		{"1", "", event.ConnectionCloudAPI, event.FactorVelocityHour, "false >= 20 > 60"},
		{"1", "acme", event.ConnectionWebSession, event.FactorConversationPressure, "true >= 3 >= 9"},
		{"1", "acme", event.ConnectionCloudAPI, event.FactorConversationPressure, "true >= 3 >= 9"},
		{"1", "umbrella", event.ConnectionCloudAPI, event.FactorVelocityHour, "true >= 5 > 10"},
		{"1", "umbrella", event.ConnectionCloudAPI, event.FactorOrigin, "true none [voip]"},
		{"1", "umbrella", event.ConnectionCloudAPI, event.FactorLinkRepeat, "false >= 15 >= 30"},
		{"15550001", "", event.ConnectionCloudAPI, event.FactorVelocityHour, "true >= 20 > 60"},
		{"15550003", "umbrella", event.ConnectionCloudAPI, event.FactorVelocityHour, "true >= 20 > 60"}, // its own choice counts
		{"15550001", "acme", event.ConnectionCloudAPI, event.FactorConversationPressure, "true >= 3 >= 9"},
		{"15550002", "", event.ConnectionCloudAPI, event.FactorConversationPressure, "true >= 7 >= 8"},
		{"15550002", "acme", event.ConnectionWebSession, event.FactorConversationPressure, "true >= 7 >= 8"},
		{"15550002", "umbrella", event.ConnectionWebSession, event.FactorVelocityHour, "true >= 5 > 10"},
		{"15550002", "umbrella", event.ConnectionWebSession, event.FactorTemplateQuality, "true [YELLOW, FLAGGED, PAUSED] [RED, PENDING_DELETION]"},
	} {
		profile := &p.Profiles[p.Index([]byte(c.number), []byte(c.portfolio), c.connection)]
		r := &profile.Rules[c.factor]
		got := map[bool]string{true: "true ", false: "false "}[r.On] + r.Warn.String() + " " + r.Danger.String()
		if got != c.want {
			t.Errorf("number %q, portfolio %q, %q, %s by %q: %s, want %s", c.number, c.portfolio, c.connection, c.factor, profile.Name, got, c.want)
		}
	}
	if got := p.Portfolio([]byte("acme")).Rules[event.FactorLimitUsage].Warn.String(); got != ">= 0.5" {
		t.Errorf("limit_usage of acme warns %s", got)
	}
	if got := p.Portfolio([]byte("other")).Rules[event.FactorLimitUsage].Warn.String(); got != ">= 0.8" {
		t.Errorf("limit_usage of other warns %s", got)
	}
	steps := p.Profiles[p.Index(nil, nil, event.ConnectionWebSession)].Rules[event.FactorDailyVolume].Steps
	if len(steps) != 1 || steps[0].UntilDay != 10 || steps[0].Danger.Exists() {
		t.Errorf("steps %v", steps)
	}
	if p.Advice(event.FactorVelocityHour) != "Slow down." || p.Advice(event.FactorQuality) != Default().Advice(event.FactorQuality) {
		t.Error("advice is not that of the file over that of the shipped policy")
	}
	if len(p.StopWords) != 8 || len(p.ResumeWords) != 1 {
		t.Errorf("words %q, %q", p.StopWords, p.ResumeWords)
	}

	number, portfolio := []byte("15550002"), []byte("acme")
	if n := testing.AllocsPerRun(100, func() { p.Index(number, portfolio, event.ConnectionWebSession) }); n != 0 {
		t.Errorf("Index allocates %v times", n)
	}
}

// TestNumberWithoutPortfolio makes sure that an id that is not there is never
// taken for an override.
func TestNumberWithoutPortfolio(t *testing.T) {
	p := Default()
	for c := event.ConnectionNone; c <= event.ConnectionWebSession; c++ {
		if p.Index(nil, nil, c) != p.byConnection[c] || p.Index([]byte{}, []byte{}, c) != p.byConnection[c] {
			t.Errorf("%q: no id leads to an override", c)
		}
	}
}

// TestMistakes compares what is said about the files of testdata/mistakes with
// the .golden beside each. Run with UPDATE_GOLDEN=1 to rewrite them.
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
			p, err := Load(data)
			if err == nil || p != nil {
				t.Fatalf("policy %v, mistakes %v", p, err)
			}
			got := err.Error() + "\n"
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

// TestVersion changes what decides something, and what does not.
func TestVersion(t *testing.T) {
	text := string(shipped())
	version := func(old, replacement string) string {
		t.Helper()
		changed := strings.Replace(text, old, replacement, 1)
		if old != "" && changed == text {
			t.Fatalf("the shipped policy has no %q", old)
		}
		p, err := Load([]byte(changed))
		if err != nil {
			t.Fatal(err)
		}
		return p.Version
	}
	same := version("", "")
	for _, c := range [][2]string{
		{"# The policy", "# A policy"},
		{"hysteresis: 10m", "hysteresis: 600s"},
		{`{warn: ">= 30", danger: "> 60", weight: 20}`, `{weight: 20.0, danger: ">60", warn: ">=30.0", on: true}`},
		{"[YELLOW, FLAGGED, PAUSED]", "[PAUSED, FLAGGED, YELLOW]"},
		{"stop: [STOP, UNSUBSCRIBE,", "stop: [UNSUBSCRIBE, STOP,"},
		{"      velocity_burst: {\"on\": false}\n", "      velocity_burst: {weight: 3, on: false}\n"}, // of what is off nothing else matters
	} {
		if got := version(c[0], c[1]); got != same {
			t.Errorf("%q for %q makes another version", c[1], c[0])
		}
	}
	seen := map[string]string{same: "nothing"}
	for _, c := range [][2]string{
		{"name: default", "name: mine"},
		{"hysteresis: 10m", "hysteresis: 11m"},
		{`warn: ">= 30"`, `warn: "> 30"`},
		{`warn: ">= 30"`, `warn: ">= 31"`},
		{"{\"on\": false}", "{on: true}"},
		{"weight: 20}", "weight: 21}"},
		{"sample: 50,", "sample: 51,"},
		{"until: 21", "until: 22"},
		{"FIRST_WARNING]", "FIRST_WARNING, NONE]"},
		{">= 0.80\", FIRST", ">= 0.81\", FIRST"},
		{"no_status: [delivery]", "no_status: []"},
		{"inbounds: 10", "inbounds: 11"},
		{"awaited: 50", "awaited: 51"},
		{"[0.4, 0.25,", "[0.5, 0.25,"},
		{"unknown: community", "unknown: cloud_api"},
		{"STOP, ", ""},
		{"Stop starting", "Please stop starting"},
		{"advice:", "numbers: {n: {profile: cloud_api}}\nadvice:"},
		{"advice:", "portfolios: {n: {profile: cloud_api}}\nadvice:"},
		{"advice:", "portfolios: {n: {factors: {opt_out: {weight: 3}}}}\nadvice:"},
	} {
		got := version(c[0], c[1])
		if seen[got] != "" {
			t.Errorf("%q for %q has the version of %s", c[1], c[0], seen[got])
		}
		seen[got] = c[1]
	}
}

// TestExtendsDefaultChangesNothing loads a file that only extends the shipped
// policy.
func TestExtendsDefaultChangesNothing(t *testing.T) {
	p, err := Load([]byte("name: default\nextends: default\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, Default()) {
		t.Errorf("(-default +extended)\n%s", cmp.Diff(Default().Profiles, p.Profiles))
	}
}

// TestTooManyOverrides asks for more combinations than are held.
func TestTooManyOverrides(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: mine\nextends: default\n")
	for _, section := range []string{"portfolios", "numbers"} {
		b.WriteString(section + ":\n")
		for i := range 70 {
			b.WriteString("  id" + number(float64(i)) + ": {factors: {opt_out: {weight: " + number(float64(i)) + "}}}\n")
		}
	}
	_, err := Load([]byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "70 different overrides of portfolios times 70 of numbers; accepted: at most 4096 combinations") {
		t.Errorf("%v", err)
	}
}

func FuzzLoad(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/mistakes/*.yaml")
	for _, input := range append(inputs, defaultFile, "testdata/overrides.yaml") {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load(data)
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, mistakes %v", p, err)
		}
		if err != nil {
			if err.Error() == "" {
				t.Error("a mistake without a word")
			}
			return
		}
		for i := range p.Profiles {
			for factor := range event.NumFactors {
				r := &p.Profiles[i].Rules[factor]
				for _, v := range []float64{0, 0.001, 0.5, 1, 30, 1e6} {
					if level, severity := r.Judge(v, 1e9, 5); severity < 0 || severity > 1 || severity != severity || (level == event.LevelNone) != (severity == 0) {
						t.Errorf("%s of %v: %v, severity %v", factor, v, level, severity)
					}
				}
			}
		}
	})
}

// TestExplanation holds the page that explains policies: its example loads, and
// it names every key.
func TestExplanation(t *testing.T) {
	data, err := os.ReadFile("../../schemas/policy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, example, _ := strings.Cut(page, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	p, err := Load([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	portfolios, numbers := p.Overrides()
	if p.Hysteresis != 20*60*1000 || portfolios != 1 || numbers != 1 || len(p.StopWords) != 4 {
		t.Errorf("the example is not read as it is explained: %+v", p)
	}
	var names []string
	for f := range event.NumFactors {
		names = append(names, shapes[f].keys()...)
	}
	for i := range conditionKeys {
		names = append(names, strings.Split(conditionKeys[i].path, ".")...)
	}
	for _, name := range slices.Concat(fileKeys, optOutKeys, profileKeys, overrideKeys, names, connections[:]) {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s is not explained", name)
		}
	}
}
