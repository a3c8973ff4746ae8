/** What the viewer holds and whether it answers, asked every few seconds. The shell, Live and first run read it. */

import { signal } from "@preact/signals";
import { api, type Status } from "./api.ts";

const EVERY_MS = 3000;

export const status = signal<Status | null>(null);

/** False once the viewer did not answer; true again when it does. */
export const isReachable = signal(true);

let started = false;

/** Asks now and goes on asking; calling it again asks once more at once. */
export async function refreshStatus(): Promise<void> {
  try {
    status.value = await api.status();
    isReachable.value = true;
  } catch {
    isReachable.value = false;
  }
}

export function startStatus(): void {
  if (started) return;
  started = true;
  void refreshStatus();
  window.setInterval(() => {
    if (!document.hidden) void refreshStatus();
  }, EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refreshStatus();
  });
}
