/** The mock as a Vite plugin: the page runs with it in development and in the browser tests. */

import type { Connect, Plugin } from "vite";
import { MockApi, type MockOptions } from "./api.ts";

/** What the viewer sends with its page; here too, so that a page which breaks it fails its tests. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** For development: a mock that is made when the first request comes. */
export function mockApi(options: Partial<MockOptions> = {}): Plugin {
  let api: MockApi | null = null;
  return pluginOf(() => (api ??= new MockApi(options)));
}

/** For tests, which hold the mock and change what it says. */
export function mockPlugin(api: MockApi): Plugin {
  return pluginOf(() => api);
}

function pluginOf(api: () => MockApi): Plugin {
  const handle: Connect.NextHandleFunction = (request, response, next) => {
    if (!api().handle(request, response)) next();
  };
  return {
    name: "wirespan-mock-api",
    configureServer: (server) => {
      server.middlewares.use(handle);
    },
    configurePreviewServer: (server) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("content-security-policy", POLICY);
        next();
      });
      server.middlewares.use(handle);
    },
  };
}
