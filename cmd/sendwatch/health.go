package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthCmd asks a running process whether it is ready. A container's health
// check uses it, for the image has no other client.
type healthCmd struct {
	Address string        `default:"localhost:8080" placeholder:"HOST:PORT" help:"Where the process listens (http.listen); by default localhost:8080."`
	Live    bool          `help:"Ask whether it is alive instead of whether it is ready."`
	Timeout time.Duration `default:"4s" help:"How long to wait for the answer."`
}

// maxHealthAnswer bounds what is printed of an answer.
const maxHealthAnswer = 4 << 10

// Run prints the answer and fails unless it is a yes.
func (c *healthCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	path := "/readyz"
	if c.Live {
		path = "/livez"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+path, nil)
	if err != nil {
		return fmt.Errorf("--address %s: %w; give host:port", c.Address, err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w; is `sendwatch run` up, and is this its http.listen?", c.Address, err)
	}
	defer func() { _ = response.Body.Close() }() // what was read is all that counts
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHealthAnswer))
	if err != nil {
		return fmt.Errorf("the answer from %s broke off: %w", c.Address, err)
	}
	fmt.Println(strings.TrimSpace(string(body)))
	if response.StatusCode != http.StatusOK {
		return errReported
	}
	return nil
}
