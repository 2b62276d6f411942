package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"sendwatch/internal/gateway"
	"sendwatch/internal/kafka"
)

// serveOurs runs the gateway as `sendwatch gateway` does, without signatures: the
// other service checks none.
func serveOurs(ctx context.Context, brokers, topic string) error {
	client, err := kafka.New(kafka.Config{Brokers: strings.Split(brokers, ",")})
	if err != nil {
		return err
	}
	defer client.Close()
	g, err := gateway.New(gateway.Config{
		Writer: client.NewProducer(), Events: topic, DeadLetter: topic + "-dead", Context: topic + "-context",
		Auth: gateway.Auth{Open: true}, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	g.Restored()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	memoryAddress, err := tellMemory(ctx)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr(), memoryAddress)
	return g.Run(ctx, listener)
}

// servePlain is the service that most would write: the body into maps, an event of
// JSON for each message and status, kafka-go's Writer with its defaults but for
// acks=all, and 200 once it has returned.
func servePlain(ctx context.Context, brokers, topic string) error {
	writer := &kafkago.Writer{Addr: kafkago.TCP(strings.Split(brokers, ",")...), Topic: topic, RequiredAcks: kafkago.RequireAll}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/webhooks/meta", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "read", http.StatusBadRequest)
			return
		}
		messages, err := plainEvents(data)
		if err != nil {
			http.Error(w, "parse", http.StatusBadRequest)
			return
		}
		if err := writer.WriteMessages(r.Context(), messages...); err != nil {
			http.Error(w, "write", http.StatusServiceUnavailable)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	memoryAddress, err := tellMemory(ctx)
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr(), memoryAddress)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return writer.Close()
}

// plainEvents maps a body of Meta's.
func plainEvents(data []byte) ([]kafkago.Message, error) {
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		return nil, err
	}
	var out []kafkago.Message
	entries, _ := body["entry"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		changes, _ := entry["changes"].([]any)
		for _, c := range changes {
			change, _ := c.(map[string]any)
			value, _ := change["value"].(map[string]any)
			metadata, _ := value["metadata"].(map[string]any)
			for _, kind := range []string{"messages", "statuses"} {
				list, _ := value[kind].([]any)
				for _, one := range list {
					update, _ := one.(map[string]any)
					event, err := plainEvent(kind, entry, metadata, update)
					if err != nil {
						return nil, err
					}
					number, _ := metadata["phone_number_id"].(string)
					out = append(out, kafkago.Message{Key: []byte(number), Value: event})
				}
			}
		}
	}
	return out, nil
}

func plainEvent(kind string, entry, metadata, update map[string]any) ([]byte, error) {
	event := map[string]any{
		"number_id": metadata["phone_number_id"], "waba_id": entry["id"], "message_id": update["id"],
		"time": fmt.Sprint(update["timestamp"], "000"),
	}
	if kind == "messages" {
		event["id"], event["type"], event["contact"], event["kind"] = fmt.Sprint("in:", update["id"]), "message.received", update["from"], update["type"]
	} else {
		event["id"], event["type"] = fmt.Sprint("st:", update["id"], ":", update["status"]), "message.status"
		event["contact"], event["status"] = update["recipient_id"], update["status"]
	}
	return json.Marshal(event)
}
