package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"sendwatch/internal/codec"
	"sendwatch/internal/config"
)

// contactsCmd tells whose the hashes are: who has the secret and a list of contacts finds
// on it those that the views name by hash alone.
type contactsCmd struct {
	Files   []string `arg:"" name:"file" help:"Lists of contacts, one a line, in any form that an event may carry; - is standard input."`
	Config  string   `default:"sendwatch.yaml" type:"path" placeholder:"FILE" help:"Configuration that says where the contact secret is; by default sendwatch.yaml."`
	UserIDs bool     `name:"user-ids" help:"The lines are business-scoped user ids (contact_user_id)."`
}

// Run writes the hash of each line and the line to standard output.
func (c *contactsCmd) Run(context.Context) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	key, err := cfg.Contacts.Secret.Reveal()
	if err != nil {
		return err
	}
	secret := codec.Secret(key)
	hash := secret.Contact
	if c.UserIDs {
		hash = secret.UserID
	}
	out := bufio.NewWriter(os.Stdout)
	wrong := 0
	for _, name := range c.Files {
		n, err := hashFile(out, os.Stderr, name, hash)
		if wrong += n; err != nil {
			return errors.Join(err, out.Flush())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d lines are no contact and were left out", wrong)
	}
	return nil
}

// hashFile hashes the lines of a file, or of standard input for -, and returns how many
// have no hash. These are named by their number, for a log may keep what is reported.
func hashFile(out, report io.Writer, name string, hash func(id []byte) (uint64, bool)) (wrong int, err error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		defer file.Close() //nolint:errcheck // it was read alone
		in = file
	}
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		id := bytes.TrimSpace(lines.Bytes())
		if len(id) == 0 {
			continue
		}
		h, ok := hash(id)
		if !ok {
			wrong++
			fmt.Fprintf(report, "%s:%d: nothing of it is left in its canonical form; accepted is a phone number, a WhatsApp address or an id\n", name, n)
			continue
		}
		if _, err := fmt.Fprintf(out, "%016x\t%s\n", h, id); err != nil {
			return wrong, err
		}
	}
	if err := lines.Err(); err != nil {
		return wrong, fmt.Errorf("%s: %w", name, err)
	}
	return wrong, nil
}
