// Command sink is an OTLP/HTTP receiver that keeps nothing: it answers 200 and counts spans.
//
// The count matters: an SDK whose queue is full drops spans silently, and a server that drops them looks
// faster than it is. GET /count gives {"exports":..,"spans":..,"bytes":..} since the start.
package main

import (
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync/atomic"
)

// Larger bodies are refused: the SDKs' batches of 512 spans stay below 1 MiB.
const maxBody = 64 << 20

var exports, spans, received atomic.Int64

func main() {
	port := flag.Int("port", 4318, "port to listen on, 127.0.0.1 only")
	flag.Parse()
	http.HandleFunc("POST /v1/traces", receive)
	http.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"exports":%d,"spans":%d,"bytes":%d}`, exports.Load(), spans.Load(), received.Load())
	})
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), nil))
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := decoded(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	exports.Add(1)
	received.Add(int64(len(body)))
	spans.Add(countSpans(body))
	// An empty ExportTraceServiceResponse is zero bytes of protobuf.
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func decoded(r *http.Request) ([]byte, error) {
	limited := io.LimitReader(r.Body, maxBody)
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(limited)
	}
	unzipped, err := gzip.NewReader(limited)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(unzipped, maxBody))
}
