/** Shown while nothing is stored: how to send something, exactly. It goes away by itself with the first span. */

import { useState } from "preact/hooks";
import { api } from "../api.ts";
import { CopyButton } from "../components/CopyButton.tsx";
import { useLoad } from "../load.ts";
import { status } from "../status.ts";
import { senders, type Sender } from "./senders.ts";

export function FirstRun() {
  const address = urlOf(status.value?.address ?? window.location.host);
  const needsToken = status.value?.token_required ?? false;
  const token = useToken(needsToken);
  const ways = senders(address, needsToken ? token ?? "TOKEN" : null);
  const [chosen, choose] = useState(0);
  const sender = ways[chosen] ?? ways[0];
  return (
    <section class="first-run" aria-labelledby="first-run-title">
      <p class="listening">
        <span class="pulse" />
        Listening on <code>{address}</code>
      </p>
      <h2 id="first-run-title">Send the first request</h2>
      <p>The viewer takes OpenTelemetry traces over HTTP. As soon as one arrives, this page shows it.</p>
      <div class="tabs" role="tablist" aria-label="Senders">
        {ways.map(({ name }, index) => (
          <button
            key={name}
            id={`sender-${index}`}
            type="button"
            role="tab"
            aria-selected={index === chosen}
            aria-controls="sender"
            onClick={() => choose(index)}
          >
            {name}
          </button>
        ))}
      </div>
      {needsToken && <TokenNote isKnown={token !== null} />}
      {sender && <SenderPanel sender={sender} index={chosen} />}
    </section>
  );
}

/** The page's own token: its cookie is hidden from scripts, so the viewer is asked. */
function useToken(isNeeded: boolean): string | null {
  const { data } = useLoad(`token ${isNeeded}`, (signal) => (isNeeded ? api.token(signal) : Promise.resolve(null)));
  return data?.token ?? null;
}

function TokenNote({ isKnown }: { isKnown: boolean }) {
  return (
    <p class="token-note">
      {isKnown
        ? "The commands hold this viewer's token: who knows it can read and change what is stored."
        : "Put the viewer's token in the place of TOKEN: wirespan view printed it when it started, at the end of the page's address."}
    </p>
  );
}

/** The viewer tells a host and port; what comes before is as this page got here. */
function urlOf(address: string): string {
  return address.includes("://") ? address : `${window.location.protocol}//${address}`;
}

function SenderPanel({ sender, index }: { sender: Sender; index: number }) {
  return (
    <div id="sender" role="tabpanel" aria-labelledby={`sender-${index}`} class="sender">
      {sender.steps.map(({ title, text }) => (
        <div key={title} class="step">
          <h3>{title}</h3>
          <div class="snippet">
            <pre tabIndex={0} aria-label={title}>
              {text}
            </pre>
            <CopyButton text={text} label={`Copy: ${title}`} />
          </div>
        </div>
      ))}
    </div>
  );
}
