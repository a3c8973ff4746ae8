import { defineConfig } from "vitest/config";

// One browser at a time: they share the processors with the server that they look at.
export default defineConfig({
  test: {
    include: process.env.SCREENSHOTS ? ["e2e/screenshots.ts"] : ["e2e/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
