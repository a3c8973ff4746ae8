/** wirespan's own commands and the official SDK, as processes: what tests of the real viewer start. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const FOLDER = new URL(".", import.meta.url).pathname;
const PYTHON = process.env.PYTHON ?? new URL("../../../.venv/bin/python", import.meta.url).pathname;

export interface Running {
  /** What it said so far, on both outputs. */
  said: () => string;
  /** The first match of this in what it says, as soon as it is there. */
  says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Ctrl-C, and its exit code. */
  end: () => Promise<number | null>;
}

/** Starts `wirespan` with these words. */
export function wirespan(...words: string[]): Running {
  const child = spawn(PYTHON, ["-m", "wirespan", ...words], {
    cwd: FOLDER,
    env: { ...process.env, PYTHONUNBUFFERED: "1", COLUMNS: "100" },
  });
  return follow(child);
}

function follow(child: ChildProcess): Running {
  let said = "";
  const listeners = new Set<() => void>();
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const hear = (piece: Buffer) => {
    said += piece.toString();
    for (const listener of listeners) listener();
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(said);
        if (!found) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
      void ended.then((code) => reject(new Error(`ended with ${code} before it said ${String(pattern)}:\n${said}`)));
    });
  const end = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { said: () => said, says, end };
}

/** A span that was sent, as `send.py` tells it. */
export interface Sent {
  trace_id: string;
  span_id: string;
  parent_id: string | null;
  service: string;
  name: string;
  start_ns: number;
  end_ns: number;
  error: boolean;
  attributes: Record<string, string | number>;
}

/** Sends all that `send.py` describes, and says what it was. */
export async function sendAll(address: string): Promise<Sent[]> {
  const { stdout } = await promisify(execFile)(PYTHON, [`${FOLDER}/send.py`, address], { maxBuffer: 64 * 1024 ** 2 });
  // Instants in nanoseconds are more than a number holds exactly: from the first, they are small.
  const first = (/"start_ns": (\d+)/.exec(stdout) ?? [])[1] ?? "0";
  const shifted = stdout.replace(/"(start_ns|end_ns)": (\d+)/g, (_all, name: string, ns: string) => `"${name}": ${BigInt(ns) - BigInt(first)}`);
  return JSON.parse(shifted) as Sent[];
}
