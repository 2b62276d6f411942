// Command sendwatch watches how WhatsApp numbers send and warns before they are
// restricted. Each subcommand is a file of this package; this one only parses
// the command line and turns signals into a context.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"sendwatch/internal/headroom"
	"sendwatch/internal/hugepages"
	"sendwatch/internal/webhook"
)

// cli is the command line: one field a subcommand, one file each.
type cli struct {
	Demo        demoCmd        `cmd:"" help:"Show it all in one process, on embedded engines and invented traffic."`
	Run         runCmd         `cmd:"" help:"Run the roles against Kafka and ClickHouse until a signal comes."`
	Gateway     gatewayCmd     `cmd:"" help:"Take the webhooks of providers over HTTP and write events: run with this one role."`
	Migrate     migrateCmd     `cmd:"" help:"Create missing topics and apply the ClickHouse schema."`
	Check       checkCmd       `cmd:"" help:"Say what would fail at start; changes nothing."`
	Acknowledge acknowledgeCmd `cmd:"" help:"Acknowledge what was skipped, lost or begun again, so that the process is ready again; what has stopped begins again."`
	Rekey       rekeyCmd       `cmd:"" help:"Copy a topic of events to another one, each event on the partition of its number."`
	SQL         sqlCmd         `cmd:"" name:"sql" help:"Ask ClickHouse and print the rows."`
	Replay      replayCmd      `cmd:"" help:"Run the engine over files of events."`
	Convert     convertCmd     `cmd:"" help:"Turn the bodies of a provider's webhooks into events."`
	Contacts    contactsCmd    `cmd:"" help:"Print the hashes of contacts, to tell whose those in the views are."`
	Policy      policyCmd      `cmd:"" help:"Try out a policy."`
	Backtest    backtestCmd    `cmd:"" aliases:"evaluate" help:"Measure how well warnings come before restrictions."`
	Health      healthCmd      `cmd:"" help:"Ask a running process whether it is ready."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
	Checkpoint  checkpointCmd  `cmd:"" help:"List, show, verify, rewind and reset checkpoints."`
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		<-signals
		cancel() // the first drains
		<-signals
		os.Exit(130) // the second does not wait
	}()

	var c cli
	parser := newParser(&c, kong.BindTo(ctx, (*context.Context)(nil)))
	args := protectStatements(os.Args[1:])
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	go hugepages.Follow(ctx)
	go headroom.Follow(ctx)
	if err := command.Run(); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(os.Stderr, "sendwatch: "+err.Error())
		}
		os.Exit(1)
	}
}

// newParser returns what reads the command line into c.
func newParser(c *cli, options ...kong.Option) *kong.Kong {
	return kong.Must(c, append(options,
		kong.Name("sendwatch"),
		kong.Description("Watches how WhatsApp numbers send and warns before they are restricted."),
		kong.ShortUsageOnError(),
		kong.Vars{"providers": strings.Join(webhook.Providers(), ", ")},
	)...)
}

// protectStatements lets an argument begin with an SQL comment, as a pasted
// statement may: no flag has white space after its dashes, and a line break
// before them means nothing to SQL.
func protectStatements(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if rest, ok := strings.CutPrefix(arg, "--"); ok && rest != "" && strings.ContainsRune(" \t\n", rune(rest[0])) {
			args[i] = "\n" + arg
		}
	}
	return args
}

// errReported ends a command with a non-zero status when it has already said why.
var errReported = errors.New("already reported")
