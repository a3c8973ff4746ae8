/** Copies a text, and says that it did. */

import { useState } from "preact/hooks";
import { copyText } from "../clipboard.ts";
import { Icon } from "./Icon.tsx";

const SAID_MS = 1600;

interface CopyButtonProps {
  /** What is copied, or how to get it when the button is pressed. */
  text: string | (() => Promise<string>);
  /** What the button is called, such as `Copy the command`. */
  label: string;
  /** Shown beside the icon; without it there is the icon alone. */
  shown?: string;
}

export function CopyButton({ text, label, shown }: CopyButtonProps) {
  const [said, setSaid] = useState<"copied" | "failed" | null>(null);
  const copy = async (): Promise<void> => {
    const copied = await (async () => copyText(typeof text === "string" ? text : await text()))().catch(() => false);
    setSaid(copied ? "copied" : "failed");
    window.setTimeout(() => setSaid(null), SAID_MS);
  };
  return (
    <button type="button" class={shown ? "button" : "icon-button"} aria-label={label} title={label} onClick={() => void copy()}>
      <Icon name={said === "copied" ? "check" : said === "failed" ? "warning" : "copy"} size={14} />
      {shown && <span>{said ?? shown}</span>}
      <span class="visually-hidden" role="status">
        {said ?? ""}
      </span>
    </button>
  );
}
