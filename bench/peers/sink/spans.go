package main

import "encoding/binary"

// Field numbers from opentelemetry-proto: ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans
// and ScopeSpans.spans.
const (
	resourceSpansField = 1
	scopeSpansField    = 2
	spansField         = 2
)

// countSpans counts the spans of an ExportTraceServiceRequest without decoding them.
func countSpans(request []byte) int64 {
	var count int64
	eachMessage(request, resourceSpansField, func(resource []byte) {
		eachMessage(resource, scopeSpansField, func(scope []byte) {
			eachMessage(scope, spansField, func([]byte) { count++ })
		})
	})
	return count
}

// eachMessage calls visit for each length-delimited field of that number. It stops at the first malformed byte.
func eachMessage(message []byte, field uint64, visit func([]byte)) {
	for len(message) > 0 {
		key, used := binary.Uvarint(message)
		if used <= 0 {
			return
		}
		value, size := nextValue(message[used:], key&7)
		if size < 0 {
			return
		}
		if key>>3 == field && key&7 == 2 {
			visit(value)
		}
		message = message[used+size:]
	}
}

// nextValue gives a field's bytes (wire type 2 only) and how much of the buffer the value takes, -1 if malformed.
func nextValue(buffer []byte, wireType uint64) ([]byte, int) {
	size := -1
	switch wireType {
	case 0:
		if _, used := binary.Uvarint(buffer); used > 0 {
			size = used
		}
	case 1:
		size = 8
	case 2:
		length, used := binary.Uvarint(buffer)
		if used > 0 && length <= uint64(len(buffer)-used) {
			return buffer[used : used+int(length)], used + int(length)
		}
	case 5:
		size = 4
	}
	if size > len(buffer) {
		size = -1
	}
	return nil, size
}
