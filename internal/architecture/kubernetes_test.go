package architecture

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sendwatch/internal/config"
)

// manifest is what the tests look at in deploy/kubernetes.yaml.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		ServiceName string   `yaml:"serviceName"`
		AccessModes []string `yaml:"accessModes"`
		Replicas    int
		Selector    any
		Template    struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
	}
}

type podSpec struct {
	TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
	Containers                    []struct {
		Image string
		Args  []string
		Env   []struct {
			Name, Value string
			ValueFrom   any `yaml:"valueFrom"`
		}
		LivenessProbe  probe `yaml:"livenessProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		VolumeMounts   []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name  string
		Claim struct {
			Name string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
	}
}

// claimAt returns the volume claim that is mounted at a path, "" for none.
func (p *podSpec) claimAt(path string) string {
	for _, m := range p.Containers[0].VolumeMounts {
		for _, v := range p.Volumes {
			if m.MountPath == path && v.Name == m.Name {
				return v.Claim.Name
			}
		}
	}
	return ""
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// manifests reads deploy/kubernetes.yaml, by kind.
func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	for d := yaml.NewDecoder(strings.NewReader(readRoot(t, "deploy/kubernetes.yaml"))); ; {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[m.Kind] = m
	}
}

// TestKubernetesUsesOnlyWhatSendwatchKnows loads the mounted file as each pod does, and looks
// the commands and variables up. The pods must be as many as their shares.
func TestKubernetesUsesOnlyWhatSendwatchKnows(t *testing.T) {
	all := manifests(t)
	commands, set := commandLine(t), all["StatefulSet"]
	if set.Spec.Replicas < 2 || set.Spec.ServiceName != all["Service"].Metadata.Name {
		t.Errorf("%d pods of the service %q, want several of %q", set.Spec.Replicas, set.Spec.ServiceName, all["Service"].Metadata.Name)
	}
	for _, kind := range []string{"Job", "StatefulSet"} {
		pod := all[kind].Spec.Template.Spec
		if len(pod.Containers) != 1 {
			t.Fatalf("%s: %d containers, want one", kind, len(pod.Containers))
		}
		c := pod.Containers[0]
		checkCommand(t, commands, kind, c.Args)
		if !pinned.MatchString(c.Image) {
			t.Errorf("%s: the image %q carries no version", kind, c.Image)
		}
		for ordinal := range set.Spec.Replicas {
			values, asked := map[string]string{"HOSTNAME": fmt.Sprint(set.Metadata.Name, "-", ordinal)}, map[string]bool{}
			for _, e := range c.Env {
				if e.ValueFrom != nil {
					e.Value = "00112233445566778899aabbccddeeff"
				}
				values[e.Name] = e.Value
			}
			lookup := func(name string) (string, bool) {
				asked[name] = true
				v, ok := values[name]
				return v, ok
			}
			none := func(string) ([]byte, error) { return nil, errors.New("the container has no other file") }
			cfg, err := config.Parse([]byte(all["ConfigMap"].Data["sendwatch.yaml"]), lookup, none)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			for name := range values {
				if !asked[name] {
					t.Errorf("%s: nothing reads the variable %s", kind, name)
				}
			}
			if claim := all["PersistentVolumeClaim"]; cfg.Policy.Folder == "" || pod.claimAt(cfg.Policy.Folder) != claim.Metadata.Name || !slices.Equal(claim.Spec.AccessModes, []string{"ReadWriteMany"}) {
				t.Errorf("%s: the folder of policies %q is on no volume that all pods share", kind, cfg.Policy.Folder)
			}
			if s := cfg.Kafka.Static; s.Of != set.Spec.Replicas || kind == "StatefulSet" && s.Ordinal != ordinal {
				t.Errorf("%s: pod %d of %d reads the share %d of %d", kind, ordinal, set.Spec.Replicas, s.Ordinal, s.Of)
			}
		}
	}
	pod := set.Spec.Template.Spec
	c := pod.Containers[0]
	if c.LivenessProbe.HTTPGet.Path != "/livez" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || pod.TerminationGracePeriodSeconds < 30 {
		t.Errorf("probes at %q and %q, and %d s to stop in; want /livez, /readyz and longer than a drain takes",
			c.LivenessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Path, pod.TerminationGracePeriodSeconds)
	}
	if fmt.Sprint(set.Spec.Selector) != fmt.Sprint(map[string]any{"matchLabels": map[string]any{"app": set.Spec.Template.Metadata.Labels["app"]}}) {
		t.Errorf("the set selects %v, its pods are %v", set.Spec.Selector, set.Spec.Template.Metadata.Labels)
	}
	if !slices.Contains(c.Args, "run") {
		t.Errorf("the pods do %v, want run", c.Args)
	}
}
