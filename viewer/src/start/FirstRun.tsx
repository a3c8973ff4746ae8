/** Shown while nothing is stored: how to send something, exactly. It goes away by itself with the first span. */

import { useState } from "preact/hooks";
import { CopyButton } from "../components/CopyButton.tsx";
import { status } from "../status.ts";
import { senders, type Sender } from "./senders.ts";

export function FirstRun() {
  const address = urlOf(status.value?.address ?? window.location.host);
  const ways = senders(address, status.value?.token_required ?? false);
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
      {sender && <SenderPanel sender={sender} index={chosen} />}
    </section>
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
