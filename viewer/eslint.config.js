import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules", "coverage"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ["error", 10],
      "max-lines": ["error", { max: 400, skipBlankLines: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 6],
      "no-console": "error",
      eqeqeq: "error",
      // Numbers are what this page shows.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `onClick={() => act()}` is the plain way to write a handler.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // It asks for `!`, which another rule forbids.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
    },
  },
  // Invented traffic is made of many small choices.
  { files: ["mock/**"], rules: { complexity: ["error", 20] } },
  // A suite is one long function.
  { files: ["**/*.test.ts", "**/*.test.tsx", "e2e/**"], rules: { "max-lines-per-function": "off" } },
  { files: ["public/**/*.js"], languageOptions: { globals: { document: "readonly", localStorage: "readonly", matchMedia: "readonly" } } },
);
