package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"sendwatch/internal/clickhouse"
	"sendwatch/internal/config"
	"sendwatch/internal/gateway"
	"sendwatch/internal/kafka"
	"sendwatch/internal/wording"
)

// repeatedFor is how long Meta repeats a webhook that was not answered with 200.
const repeatedFor = 7 * 24 * time.Hour

// named is how many numbers or accounts a warning names.
const named = 5

// checkGateway warns of what the gateway cannot see or cannot keep apart. Nothing
// of it stops a process.
func checkGateway(ctx context.Context, out io.Writer, cfg config.Config) {
	if cfg.Numbers.DedupHorizon < repeatedFor {
		fmt.Fprintf(out, "warning: numbers.dedup_horizon is %s and providers repeat a webhook for up to 7 d: set 7d where numbers runs, or a late repeat counts twice\n", cfg.Numbers.DedupHorizon)
	}
	g := cfg.Gateway
	if g.Open && g.TLS.ClientCAFile == "" {
		fmt.Fprintln(out, "warning: gateway.open takes bodies that nothing vouches for: anyone who reaches", g.Listen, "can write events; set secrets and leave it off")
	} else if len(g.Tokens)+len(g.Meta.AppSecrets)+len(g.Twilio.AuthTokens) == 0 && g.TLS.ClientCAFile == "" {
		fmt.Fprintln(out, "warning: gateway has no secrets and is not open: every body is refused with 401; set gateway.token_files, gateway.meta.app_secret_files or gateway.twilio")
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := kafka.New(kafkaConfig(cfg.Kafka, slog.New(slog.DiscardHandler)))
	if err != nil {
		return // checkKafka has said so
	}
	defer client.Close()
	remembered, err := gateway.New(gateway.Config{})
	if err != nil {
		return
	}
	if _, _, err := restore(ctx, client, cfg.Kafka.Topics.Gateway, remembered); err != nil {
		fmt.Fprintf(out, "warning: what the gateway remembers cannot be read: %v\n", err)
		return
	}
	warnUnseen(out, remembered.Unseen(), len(g.Twilio.AuthTokens) > 0)
}

// warnUnseen prints what the remembered numbers lack.
func warnUnseen(out io.Writer, u gateway.Unseen, twilio bool) {
	if len(u.Template) > 0 {
		fmt.Fprintf(out, "warning: no webhook about a template was ever seen of %s: template_quality is silent for their numbers; subscribe the app to message_template_status_update and message_template_quality_update (an override of the callback does not move these)\n",
			some(u.Template, "WABA"))
	}
	if len(u.Account) > 0 {
		fmt.Fprintf(out, "warning: no webhook about the account was ever seen of %s: restriction and restart are silent for their numbers; subscribe the app to account_update (an override of the callback does not move it)\n",
			some(u.Account, "WABA"))
	}
	if len(u.Twilio) > 0 || twilio {
		fmt.Fprintf(out, "warning: %s behind Twilio: its code 63018 stands for pace, the messaging limit and the spam limit alike, so spam_errors cannot see a spam limit there\n",
			some(u.Twilio, "number"))
	}
}

// some counts things and names the first.
func some(list []string, what string) string {
	count := wording.Count(len(list), what)
	if len(list) == 0 {
		return count
	}
	text := count + " (" + strings.Join(list[:min(len(list), named)], ", ")
	if len(list) > named {
		text += ", ..."
	}
	return text + ")"
}

// checkReplies warns of numbers whose replies cannot be reaching us: 50 resolved
// sends and not one message of a contact in 7 days. Mostly the statuses come from
// one system and the replies go to another.
func checkReplies(ctx context.Context, out io.Writer, client *clickhouse.Client) {
	var deaf firstColumn
	_, err := client.Query(ctx, "SELECT number_id FROM numbers WHERE answered_7d + unanswered_7d >= 50 AND received_7d = 0 ORDER BY number_id LIMIT 1000", &deaf)
	if err != nil {
		return // the tables are not there yet, and that was said
	}
	if len(deaf) > 0 {
		fmt.Fprintf(out, "warning: %s with 50 resolved sends and not one message of a contact in 7 d: their replies do not reach the events topic, and every send counts as unanswered; connect the inbound webhooks\n",
			some(deaf, "number"))
	}
}

// firstColumn keeps the first column of a result.
type firstColumn []string

// Begin takes the names, which are known.
func (*firstColumn) Begin([]string, []bool) error { return nil }

// Row keeps the first value.
func (f *firstColumn) Row(values []any) error {
	*f = append(*f, fmt.Sprint(values[0]))
	return nil
}

// End has nothing to do.
func (*firstColumn) End() error { return nil }
