package clickhouse

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"sendwatch/internal/tlsfile"
)

// dialer connects, with TLS if files say so, and sees to it
// that the hello of the client library, too, ends with the context: the library
// itself would wait for a silent server as long as dialTimeout.
func dialer(files *tlsfile.Source) func(ctx context.Context, address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context, address string) (net.Conn, error) {
		dial := plain.DialContext
		if c := files.Config(); c != nil {
			dial = (&tls.Dialer{NetDialer: plain, Config: c}).DialContext
		}
		conn, err := dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &greeting{Conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
	}
}

// greeting is a connection that is closed when the context it was dialled with
// ends before the hello is over. The library takes its deadline off then.
type greeting struct {
	net.Conn
	stop func() bool
}

// SetDeadline also notices the end of the hello.
func (g *greeting) SetDeadline(t time.Time) error {
	if t.IsZero() {
		g.stop()
	}
	return g.Conn.SetDeadline(t)
}
