package policy

import (
	"testing"

	"sendwatch/internal/event"
)

func TestDefaultLoads(t *testing.T) {
	p, err := Load(shipped())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p.Version, len(p.Profiles))
	if n := p.Profiles[p.Index(nil, nil, event.ConnectionCloudAPI)].Name; n != "cloud_api" {
		t.Errorf("cloud_api numbers are judged by %q", n)
	}
	if n := p.Profiles[p.Index(nil, nil, event.ConnectionNone)].Name; n != "community" {
		t.Errorf("unknown numbers are judged by %q", n)
	}
}
