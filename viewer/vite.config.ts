import { defineConfig } from "vitest/config";
import { mockApi } from "./mock/plugin.ts";

// WIRESPAN_VIEWER=http://127.0.0.1:4318 makes the development server ask a running viewer instead of the mock.
const viewer = process.env.WIRESPAN_VIEWER;

export default defineConfig({
  plugins: viewer ? [] : [mockApi()],
  server: viewer ? { proxy: { "/api": viewer, "/v1": viewer } } : {},
  build: {
    outDir: process.env.WIRESPAN_STATIC ?? "../python/wirespan/viewer/static",
    emptyOutDir: true,
    // The page's content security policy forbids data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx", "mock/**/*.test.ts"] },
});
