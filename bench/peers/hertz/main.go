// Command hertz serves the benchmark's answers with CloudWeGo Hertz, plain or with its OpenTelemetry tracer.
//
//	hertz -port 8080 [-otel]
//
// With -otel every request is sampled and exported over OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, by the
// SDK's batch processor with its default queue, as an operator who follows the manual would run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/hertz-contrib/obs-opentelemetry/tracing"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	port := flag.Int("port", 8080, "port to listen on, 127.0.0.1 only")
	withOTel := flag.Bool("otel", false, "trace every request and export it")
	flag.Parse()
	// Per-request debug lines and the route table would be measured too.
	hlog.SetLevel(hlog.LevelWarn)

	options := []config.Option{
		server.WithHostPorts(fmt.Sprintf("127.0.0.1:%d", *port)),
		server.WithDisablePrintRoute(true),
	}
	if !*withOTel {
		engine := server.New(options...)
		register(engine)
		engine.Spin()
		return
	}
	provider, err := newProvider()
	if err != nil {
		log.Fatal(err)
	}
	tracer, tracerConfig := tracing.NewServerTracer()
	engine := server.New(append(options, tracer)...)
	engine.Use(tracing.ServerMiddleware(tracerConfig))
	register(engine)
	engine.Spin()
	// Spin returns after SIGTERM: the spans still queued are counted too.
	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func newProvider() (*trace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		return nil, err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithSampler(trace.AlwaysSample()))
	otel.SetTracerProvider(provider)
	return provider, nil
}

func register(engine *server.Hertz) {
	hello := []byte("Hello, World!")
	engine.GET("/", func(_ context.Context, c *app.RequestContext) {
		c.Data(http.StatusOK, "text/plain", hello)
	})
	engine.GET("/users/:id", func(_ context.Context, c *app.RequestContext) {
		c.JSON(http.StatusOK, map[string]string{"id": c.Param("id")})
	})
	engine.POST("/upload", func(_ context.Context, c *app.RequestContext) {
		c.Data(http.StatusOK, "text/plain", []byte(strconv.Itoa(len(c.Request.Body()))))
	})
}
