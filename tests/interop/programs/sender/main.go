// The official SDK of Go: one span in another, a count and a line of a log, sent as the environment says.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func traced(ctx context.Context, logs *sdklog.LoggerProvider) error {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	tracer := provider.Tracer("sender")
	ctx, request := tracer.Start(ctx, "GET /items/{id}", trace.WithSpanKind(trace.SpanKindServer))
	request.SetAttributes(
		attribute.String("http.request.method", "GET"),
		attribute.String("http.route", "/items/{id}"),
		attribute.Int("http.response.status_code", 500),
	)
	_, query := tracer.Start(ctx, "query", trace.WithSpanKind(trace.SpanKindClient))
	query.RecordError(errors.New("no such shelf"))
	query.SetAttributes(attribute.StringSlice("db.tables", []string{"items", "shelves"}))
	query.End()
	var line otellog.Record
	line.SetBody(attribute.StringValue("the shelf is empty"))
	line.SetSeverity(otellog.SeverityWarn)
	logs.Logger("sender").Emit(ctx, line)
	request.SetStatus(codes.Error, "no such shelf")
	request.End()
	os.Stdout.WriteString(request.SpanContext().TraceID().String())
	return errors.Join(provider.Shutdown(ctx), logs.Shutdown(ctx))
}

func counted(ctx context.Context) error {
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	sold, err := provider.Meter("sender").Int64Counter("store.sold", metric.WithUnit("{item}"))
	if err != nil {
		return err
	}
	sold.Add(ctx, 3)
	return provider.Shutdown(ctx)
}

func main() {
	ctx := context.Background()
	exporter, err := otlploghttp.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(exporter)))
	if err := errors.Join(traced(ctx, logs), counted(ctx)); err != nil {
		log.Fatal(err)
	}
}
