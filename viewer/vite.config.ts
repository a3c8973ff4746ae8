import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { mockApi } from "./mock/plugin.ts";

// WIRESPAN_VIEWER=http://127.0.0.1:4318 makes the development server ask a running viewer instead of the mock.
const viewer = process.env.WIRESPAN_VIEWER;

// Vite lists the licences of scripts; the font's must lie beside it too.
const fontLicense: Plugin = {
  name: "wirespan-font-license",
  generateBundle() {
    const source = readFileSync("node_modules/@fontsource-variable/inter/LICENSE", "utf8");
    this.emitFile({ type: "asset", fileName: "inter-license.txt", source });
  },
};

export default defineConfig({
  plugins: [fontLicense, ...(viewer ? [] : [mockApi()])],
  server: viewer ? { proxy: { "/api": viewer, "/v1": viewer } } : {},
  build: {
    outDir: process.env.WIRESPAN_STATIC ?? "../python/wirespan/viewer/static",
    emptyOutDir: true,
    // The page's content security policy forbids data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the page carries of others, and under which terms.
    license: { fileName: "licenses.md" },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx", "mock/**/*.test.ts"] },
});
