/** A stack trace, one line each, the user's own frames standing out; shown from its end, where Python has the cause. */

import { useEffect, useRef } from "preact/hooks";
import { CopyButton } from "../components/CopyButton.tsx";
import { stackLines } from "./stack.ts";

export function StackTrace({ text }: { text: string }) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => box.current?.scrollTo(0, box.current.scrollHeight), [text]);
  return (
    <div class="stack">
      <CopyButton label="Copy the stack trace" text={text} />
      <pre ref={box} tabIndex={0} aria-label="Stack trace">
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
