/** A stack trace, one line each, the user's own frames standing out. */

import { CopyButton } from "../components/CopyButton.tsx";
import { stackLines } from "./stack.ts";

export function StackTrace({ text }: { text: string }) {
  return (
    <div class="stack">
      <CopyButton label="Copy the stack trace" text={text} />
      <pre tabIndex={0} aria-label="Stack trace">
        {stackLines(text).map(({ kind, text: line }, at) => (
          <span key={at} class={`stack-${kind}`}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
    </div>
  );
}
