/** In flight: requests that run now, by server, the oldest first. Ages tick between the servers' reports. */

import { api, type RunningRequest, type RunningServer } from "../api.ts";
import { Duration } from "../components/Duration.tsx";
import { Icon } from "../components/Icon.tsx";
import { Page } from "../components/Page.tsx";
import { Problem } from "../components/Problem.tsx";
import { StateBar } from "../components/StateBar.tsx";
import { useLoad } from "../load.ts";
import { barLength, TICKS } from "../live/scale.ts";
import { formatCount } from "../units.ts";
import { aged, SILENT_MS, type AgedRequest } from "./aged.ts";
import { useReports } from "./useReports.ts";

const EVERY_MS = 1000;

export function InflightPage() {
  const { data, error, reload } = useLoad("inflight", api.inflight, EVERY_MS);
  const servers = data?.servers ?? [];
  const sinceReport = useReports(servers);
  const running = servers.reduce((sum, server) => sum + server.requests.length, 0);
  return (
    <Page title="In flight" actions={data && <span class="live-rate">{formatCount(running)} running</span>}>
      {error && <Problem error={error} retry={reload} />}
      {!error && data && servers.length === 0 && <NoServers />}
      {!error && servers.length > 0 && (
        <div class="inflight">
          {servers.map((server) => (
            <ServerSection key={server.instance} server={server} sinceMs={sinceReport(server)} />
          ))}
        </div>
      )}
    </Page>
  );
}

function NoServers() {
  return (
    <div class="message">
      <Icon name="inflight" size={22} />
      <h2>No server reports what it runs</h2>
      <p>
        Those under <code>wirespan serve --view</code> do, and others whose tracer says so:{" "}
        <code>OpenTelemetry(inflight=True)</code>.
      </p>
    </div>
  );
}

function ServerSection({ server, sinceMs }: { server: RunningServer; sinceMs: number }) {
  const requests = aged(server.requests, sinceMs);
  const isSilent = sinceMs >= SILENT_MS;
  return (
    <section class={isSilent ? "silent" : ""} aria-label={`${server.service} ${server.instance}`}>
      <header class="server-head">
        <h2>{server.service}</h2>
        <span class="dim">
          {server.instance}
          {server.pid !== null && ` · pid ${server.pid}`}
        </span>
        {isSilent && <span class="silent-note">said nothing for {Math.round(sinceMs / 1000)} s</span>}
        <span class="count">{formatCount(requests.length)} running</span>
      </header>
      {requests.length === 0 ? <p class="idle">idle</p> : <RunningTable requests={requests} />}
    </section>
  );
}

function RunningTable({ requests }: { requests: AgedRequest[] }) {
  return (
    <table class="table running">
      <thead>
        <tr>
          <th scope="col" class="number">
            Age
          </th>
          <th scope="col">State</th>
          <th scope="col" class="number">
            For
          </th>
          <th scope="col">Method</th>
          <th scope="col">Route</th>
          <th scope="col" class="scale" aria-label="States until now">
            {TICKS.map(({ label, at }) => (
              <span key={label} class="tick" style={{ left: `${at * 100}%` }}>
                {label}
              </span>
            ))}
          </th>
          <th scope="col">Client</th>
        </tr>
      </thead>
      <tbody>
        {requests.map((request) => (
          <RunningRow key={request.id} request={request} />
        ))}
      </tbody>
    </table>
  );
}

function RunningRow({ request }: { request: AgedRequest }) {
  const { state, state_ns, age_ns, method, client, states } = request;
  return (
    <tr>
      <td class="number age">
        <Duration ns={age_ns} />
      </td>
      <td>
        {state ? (
          <span class={`state-name state-${state}`}>{state}</span>
        ) : (
          <span class="dim">{request.background ? "background" : "not recorded"}</span>
        )}
      </td>
      <td class="number">
        {(state ?? request.background) && <Duration ns={state_ns} />}
      </td>
      <td class="method">{method}</td>
      <td class="route">
        <RouteText request={request} />
      </td>
      <td class="scale">
        <StateBar states={states} totalNs={age_ns} length={barLength(age_ns)} />
      </td>
      <td class="dim">{client}</td>
    </tr>
  );
}

function RouteText({ request: { route, path } }: { request: RunningRequest }) {
  const title = route ?? path ?? "";
  return (
    <>
      {title} {path && path !== title && <span class="path">{path}</span>}
    </>
  );
}
