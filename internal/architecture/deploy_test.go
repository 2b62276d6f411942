package architecture

import (
	"errors"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sendwatch/internal/config"
	"sendwatch/internal/embedded/apachekafka"
)

// composeFile is what the tests look at in docker-compose.yml.
type composeFile struct {
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Image       string
	Build       map[string]string
	Command     []string
	Environment map[string]string
	Volumes     []string
	Ports       []string
	Healthcheck *struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Restart     string
}

func readRoot(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(readRoot(t, "docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 4 {
		t.Fatalf("only the services %v", slices.Collect(maps.Keys(c.Services)))
	}
	return c
}

// pinned is an image with a version; ours is built from the checkout.
var pinned = regexp.MustCompile(`^[a-z/-]+:(local|\d+\.\d+[a-z0-9.-]*)$`)

func TestComposeServicesArePinnedAndWatched(t *testing.T) {
	c := compose(t)
	if image := c.Services["kafka"].Image; image != "apache/kafka:"+apachekafka.Version {
		t.Errorf("the tests run Apache Kafka %s, docker-compose.yml %s", apachekafka.Version, image)
	}
	for name, s := range c.Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %q carries no version", name, s.Image)
		}
		if s.Restart != "no" && (s.Healthcheck == nil || len(s.Healthcheck.Test) < 2) {
			t.Errorf("%s: no health check", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, p)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(source))); err != nil {
				t.Errorf("%s: volume %s: neither declared nor a file of the project", name, v)
			}
		}
		for other, on := range s.DependsOn {
			target, ok := c.Services[other]
			switch {
			case !ok:
				t.Errorf("%s waits for %s, which is no service", name, other)
			case on.Condition == "service_healthy" && target.Healthcheck == nil:
				t.Errorf("%s waits for %s to be healthy, which has no health check", name, other)
			case on.Condition == "service_completed_successfully" && target.Restart != "no":
				t.Errorf("%s waits for %s to end, which is restarted", name, other)
			}
		}
	}
}

// TestComposeUsesOnlyWhatSendwatchKnows loads the mounted file as the program
// does, with the variables that docker-compose.yml sets, and looks the commands
// and flags up in the command line.
func TestComposeUsesOnlyWhatSendwatchKnows(t *testing.T) {
	c := compose(t)
	commands := commandLine(t)
	asked := map[string]bool{}
	ours := 0
	for name, s := range c.Services {
		if s.Build == nil {
			continue
		}
		ours++
		file, _, _ := strings.Cut(s.Volumes[0], ":")
		values := map[string]string{}
		for variable := range s.Environment {
			values[variable] = "00112233445566778899aabbccddeeff"
		}
		lookup := func(variable string) (string, bool) {
			asked[variable] = true
			v, ok := values[variable]
			return v, ok
		}
		none := func(string) ([]byte, error) { return nil, errors.New("the container has no other file") }
		cfg, err := config.Parse([]byte(readRoot(t, file)), lookup, none)
		if err != nil {
			t.Errorf("%s: %s: %v", name, file, err)
		}
		for variable := range s.Environment {
			if !asked[variable] {
				t.Errorf("%s: nothing reads the variable %s", name, variable)
			}
		}
		for _, folder := range []string{cfg.Policy.Folder, strings.TrimPrefix(cfg.Checkpoints.Store, "file://")} {
			if !slices.ContainsFunc(s.Volumes, func(v string) bool { return folder != "" && strings.HasSuffix(v, ":"+folder) }) {
				t.Errorf("%s: the folder %q is on no volume: a new container would begin without it", name, folder)
			}
		}
		for _, address := range slices.Concat(cfg.Kafka.Brokers, cfg.ClickHouse.Addresses) {
			host, _, _ := strings.Cut(address, ":")
			if _, ok := c.Services[host]; !ok {
				t.Errorf("%s: %s is no service", name, address)
			}
		}
		checkCommand(t, commands, name, s.Command)
		if s.Healthcheck != nil {
			checkCommand(t, commands, name, s.Healthcheck.Test[2:])
		}
	}
	if ours != 2 {
		t.Errorf("%d services run sendwatch, want migrate and run", ours)
	}
}

// checkCommand looks a command and its flags up.
func checkCommand(t *testing.T, commands map[string][]string, service string, words []string) {
	t.Helper()
	flags, ok := commands[words[0]]
	if !ok {
		t.Errorf("%s: `sendwatch %s` is no command", service, words[0])
	}
	for _, w := range words[1:] {
		if name, is := strings.CutPrefix(w, "--"); is && !slices.Contains(flags, name) {
			t.Errorf("%s: `sendwatch %s` has no flag %s, only %v", service, words[0], w, flags)
		}
	}
}

// commandLine reads the commands and their flags off the structs of
// cmd/sendwatch, named as the command line names them.
func commandLine(t *testing.T) map[string][]string {
	t.Helper()
	structs := map[string]*ast.StructType{}
	for _, f := range load(t).code {
		if f.dir() != "cmd/sendwatch" || f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	commands := map[string][]string{}
	for _, field := range structs["cli"].Fields.List {
		of, ok := field.Type.(*ast.Ident)
		if !ok || len(field.Names) == 0 {
			continue
		}
		commands[kebab(field.Names[0].Name)] = flagsOf(structs, of.Name)
	}
	return commands
}

// flagsOf names the fields of a command, those of embedded structs included.
func flagsOf(structs map[string]*ast.StructType, name string) []string {
	var flags []string
	if structs[name] == nil {
		return nil
	}
	for _, field := range structs[name].Fields.List {
		if len(field.Names) == 0 {
			if embedded, ok := field.Type.(*ast.Ident); ok {
				flags = append(flags, flagsOf(structs, embedded.Name)...)
			}
		}
		for _, n := range field.Names {
			flag := kebab(n.Name)
			if field.Tag != nil {
				if given := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("name"); given != "" {
					flag = given
				}
			}
			flags = append(flags, flag)
		}
	}
	return flags
}

// kebab writes a Go name as the command line does: MaxRows is max-rows.
func kebab(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "$1-$2"))
}

func TestDockerfileIsStaticPinnedAndNotRoot(t *testing.T) {
	dockerfile := readRoot(t, "deploy/Dockerfile")
	for _, want := range []string{
		`(?m)^FROM golang:\d+\.\d+\.\d+-`, `(?m)^FROM scratch$`, `CGO_ENABLED=0 go build -tags noengine`,
		`(?m)^USER [1-9]\d+:[1-9]\d+$`, `(?m)^ENTRYPOINT \["/sendwatch"\]$`,
	} {
		if !regexp.MustCompile(want).MatchString(dockerfile) {
			t.Errorf("deploy/Dockerfile has no line like %s", want)
		}
	}
	// The image's Go must be able to build the module.
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readRoot(t, "go.mod"))
	if language == nil || !strings.Contains(dockerfile, "golang:"+language[1]+".") {
		t.Errorf("go.mod wants Go %v, deploy/Dockerfile builds with another", language)
	}
}
