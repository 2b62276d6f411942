package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sendwatch/internal/event"
)

const (
	schemaFile  = "../../schemas/policy/policy.schema.json"
	defaultFile = "../../schemas/policy/default.yaml"
)

// object is a JSON object with the keys of a JSON Schema.
type object map[string]any

// schema is what schemas/policy/policy.schema.json must be: it is made of the
// same tables that the reader uses, so that an editor accepts what Load does.
func schema() object {
	definitions := object{
		"words": object{"type": "array", "items": object{"type": "string", "minLength": 1, "maxLength": maxWord}, "maxItems": maxWords},
	}
	var factors []any
	for _, name := range numberFactorNames() {
		factors = append(factors, name)
	}
	definitions["factor"] = object{"enum": factors}
	ofNumbers, ofAll := object{}, object{}
	advice := object{}
	for f := range event.NumFactors {
		definitions[f.String()] = factorSchema(f)
		reference := object{"$ref": "#/$defs/" + f.String()}
		ofAll[f.String()] = reference
		if !ofPortfolio(f) {
			ofNumbers[f.String()] = reference
		}
		advice[f.String()] = object{"type": "string", "minLength": 1, "maxLength": maxAdvice}
	}
	name := object{"type": "string", "pattern": fmt.Sprintf("^[a-z0-9_-]{1,%d}$", maxName)}
	connection := object{}
	for _, c := range connections {
		connection[c] = name
	}
	closed := func(properties object) object {
		return object{"type": "object", "properties": properties, "additionalProperties": false}
	}
	overrides := func(about string, factors object) object {
		override := closed(object{"profile": name, "factors": closed(factors)})
		override["minProperties"] = 1
		return object{
			"description": about, "type": "object", "propertyNames": object{"minLength": 1},
			"additionalProperties": override,
		}
	}
	s := closed(object{
		"name":        name,
		"extends":     object{"description": "start from the shipped policy", "enum": []any{DefaultName}},
		"hysteresis":  object{"description": "how long a flag's level outlasts the last evaluation that reached it", "type": "string", "pattern": `^ *([0-9]+d([0-9.]+(h|m|s|ms))*|([0-9.]+(h|m|s|ms))+) *$`},
		"connections": closed(connection),
		"silences":    conditionSchema("silences"),
		"ceilings":    conditionSchema("ceilings"),
		"nowcast":     conditionSchema("nowcast"),
		"opt_out":     closed(object{"stop": object{"$ref": "#/$defs/words"}, "resume": object{"$ref": "#/$defs/words"}}),
		"profiles": object{
			"type": "object", "propertyNames": object{"pattern": name["pattern"]},
			"additionalProperties": closed(object{"extends": name, "factors": closed(ofAll)}),
		},
		"portfolios": overrides("changes by portfolio_id", ofAll),
		"numbers":    overrides("changes by number_id, on top of those of its portfolio", ofNumbers),
		"advice":     closed(advice),
	})
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Sendwatch policy"
	s["required"] = []any{"name"}
	s["anyOf"] = []any{ // what extends nothing has to say it all
		object{"required": []any{"extends"}},
		object{"required": []any{"hysteresis", "connections", "opt_out", "silences", "ceilings", "nowcast", "profiles", "advice"}},
	}
	s["$defs"] = definitions
	return s
}

func factorSchema(f event.Factor) object {
	s := &shapes[f]
	var threshold object
	if s.words != nil {
		word := object{"type": "string", "minLength": 1}
		if !s.open {
			var names []any
			for _, w := range s.words {
				names = append(names, w)
			}
			word = object{"enum": names}
		}
		if s.mixed {
			word = object{"anyOf": []any{word, object{"type": "string", "pattern": boundPattern(s)}}}
		}
		threshold = object{"anyOf": []any{word, object{"const": "none"}, object{"type": "array", "items": word}}}
	} else {
		threshold = object{"type": "string", "pattern": "^(none|" + strings.Trim(boundPattern(s), "^$") + ")$"}
	}
	properties := object{"on": object{"type": "boolean"}, "warn": threshold, "danger": threshold}
	if s.sample != "" {
		properties["sample"] = object{"description": "silent below this many " + s.sample, "type": "number", "minimum": 0, "maximum": maxSample}
	}
	if s.windows != nil {
		properties["window"] = object{"description": "how far the fact looks back", "enum": windowNames(s.windows)}
	}
	if s.weighty {
		properties["weight"] = object{"type": "number", "minimum": 0, "maximum": maxWeight}
	}
	if s.days {
		properties["days"] = object{"type": "array", "minItems": 1, "items": object{
			"type": "object", "additionalProperties": false, "required": []any{"until"},
			"properties": object{"until": object{"type": "integer", "minimum": 1, "maximum": maxDay}, "warn": threshold, "danger": threshold},
		}}
	}
	return object{"description": wordings[f].fact, "type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties}
}

// boundPattern is a sign and a number.
func boundPattern(s *shape) string {
	if s.falling {
		return `^<=? *[0-9]+(\.[0-9]+)?$`
	}
	return `^>=? *[0-9]+(\.[0-9]+)?$`
}

// conditionSchema is what may stand at a path that leads to conditions.
func conditionSchema(path string) object {
	properties := object{}
	for _, key := range keysBelow(path) {
		below := path + "." + key
		properties[key] = object{}
		i := slices.IndexFunc(conditionKeys, func(c condition) bool { return c.path == below })
		if i < 0 {
			properties[key] = conditionSchema(below)
			continue
		}
		c := &conditionKeys[i]
		count := object{"type": "number", "minimum": 0, "maximum": c.most}
		switch {
		case c.number != nil:
			properties[key] = object{"description": c.what, "type": "number", "minimum": 0, "maximum": c.most}
		case c.list != nil:
			properties[key] = object{"description": c.what, "type": "array", "items": count, "minItems": DelayClasses, "maxItems": DelayClasses}
		default:
			properties[key] = object{"type": "array", "items": object{"$ref": "#/$defs/factor"}}
		}
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

// TestSchemaIsInSync compares the schema in schemas/policy with what the
// reader's tables make. Run with UPDATE_GOLDEN=1 to rewrite it.
func TestSchemaIsInSync(t *testing.T) {
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema()); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(schemaFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the reader takes; run UPDATE_GOLDEN=1 go test ./internal/policy -run TestSchemaIsInSync", schemaFile)
	}
}

// TestSchemaTakesWhatLoadTakes holds the schema against the shipped policy and
// the files of testdata: it takes the good ones and refuses the worst.
func TestSchemaTakesWhatLoadTakes(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		good bool
	}{{defaultFile, true}, {"testdata/overrides.yaml", true}, {"testdata/mistakes/keys.yaml", false}, {"testdata/mistakes/bare.yaml", false}, {"testdata/mistakes/kinds.yaml", false}, {"testdata/mistakes/thresholds.yaml", false}} {
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := yaml.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		err = conforms(root, root, document, "$")
		if c.good && err != nil {
			t.Errorf("%s: the schema refuses it: %v", c.file, err)
		}
		if !c.good && err == nil {
			t.Errorf("%s: the schema takes it", c.file)
		}
	}
}

// TestShippedForOldReaders keeps words that YAML 1.1 takes for true and false
// in quotes where they are keys, so that a validator that reads it finds the
// shipped policies as right as Sendwatch does.
func TestShippedForOldReaders(t *testing.T) {
	for _, name := range []string{defaultFile, "../../schemas/policy/tuned.yaml", "../../schemas/policy/watchful.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var root yaml.Node
		if err := yaml.Unmarshal(text, &root); err != nil {
			t.Fatal(err)
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			for i, child := range n.Content {
				word := strings.ToLower(child.Value)
				if n.Kind == yaml.MappingNode && i%2 == 0 && child.Style == 0 && slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, word) {
					t.Errorf("%s: line %d: the key %s has no quotes", name, child.Line, child.Value)
				}
				walk(child)
			}
		}
		walk(&root)
	}
}

// conforms checks a document against the few keywords that the schema uses; any
// other keyword is an error, so that the check cannot pass by looking away.
func conforms(root, s map[string]any, v any, path string) error {
	object, _ := v.(map[string]any)
	items, _ := v.([]any)
	text, isText := v.(string)
	n, isNumber := number64(v)
	for keyword, rule := range s {
		ok := true
		switch keyword {
		case "$schema", "$defs", "title", "description":
		case "$ref":
			target := root["$defs"].(map[string]any)[strings.TrimPrefix(rule.(string), "#/$defs/")]
			if err := conforms(root, target.(map[string]any), v, path); err != nil {
				return err
			}
		case "type":
			_, isBool := v.(bool)
			ok = map[string]bool{
				"object": object != nil, "array": items != nil, "string": isText, "boolean": isBool,
				"number": isNumber, "integer": isNumber && n == float64(int64(n)),
			}[rule.(string)]
		case "enum":
			ok = slices.Contains(rule.([]any), v)
		case "const":
			ok = reflect.DeepEqual(rule, v)
		case "pattern":
			ok = !isText || regexp.MustCompile(rule.(string)).MatchString(text)
		case "minLength":
			ok = !isText || len([]rune(text)) >= int(rule.(float64))
		case "maxLength":
			ok = !isText || len([]rune(text)) <= int(rule.(float64))
		case "minimum":
			ok = !isNumber || n >= rule.(float64)
		case "maximum":
			ok = !isNumber || n <= rule.(float64)
		case "minItems":
			ok = items == nil || len(items) >= int(rule.(float64))
		case "maxItems":
			ok = len(items) <= int(rule.(float64))
		case "minProperties":
			ok = object == nil || len(object) >= int(rule.(float64))
		case "required":
			for _, key := range rule.([]any) {
				_, found := object[key.(string)]
				ok = ok && (object == nil || found)
			}
		case "items":
			for i, item := range items {
				if err := conforms(root, rule.(map[string]any), item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
					return err
				}
			}
		case "properties":
			for key, sub := range rule.(map[string]any) {
				if value, found := object[key]; found {
					if err := conforms(root, sub.(map[string]any), value, path+"."+key); err != nil {
						return err
					}
				}
			}
		case "additionalProperties":
			known, _ := s["properties"].(map[string]any)
			for key, value := range object {
				if known[key] != nil {
					continue
				}
				sub, isSchema := rule.(map[string]any)
				if !isSchema {
					return fmt.Errorf("%s.%s: no such key", path, key)
				}
				if err := conforms(root, sub, value, path+"."+key); err != nil {
					return err
				}
			}
		case "propertyNames":
			for key := range object {
				if err := conforms(root, rule.(map[string]any), key, path+"."+key); err != nil {
					return err
				}
			}
		case "anyOf":
			ok = slices.ContainsFunc(rule.([]any), func(sub any) bool {
				return conforms(root, sub.(map[string]any), v, path) == nil
			})
		default:
			return fmt.Errorf("the schema uses %s, which this test does not know", keyword)
		}
		if !ok {
			return fmt.Errorf("%s: %v against %s %v", path, v, keyword, rule)
		}
	}
	return nil
}

func number64(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
