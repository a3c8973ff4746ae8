/** The real programs: `wirespan`, and senders in Python, as processes of their own. */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";

const PYTHON = new URL("../../.venv/bin/python", import.meta.url).pathname;
const HERE = new URL(".", import.meta.url).pathname;

/** Whoever runs the tests may have a viewer of their own, with data. */
const OWN = { NO_COLOR: "1", XDG_DATA_HOME: mkdtempSync(`${tmpdir()}/wirespan-e2e-`) };

export interface Running {
  /** The first group of the pattern that its output matched. */
  found: string;
  /** Waits for a later line. */
  find: (pattern: RegExp) => Promise<string>;
  stop: () => Promise<void>;
}

/** Starts `wirespan ...` and waits for a line that matches. Rejects with all it said if it ends before. */
export async function wirespan(words: string[], pattern: RegExp): Promise<Running> {
  const child = spawn(PYTHON, ["-m", "wirespan", ...words], { cwd: HERE, env: { ...process.env, ...OWN } });
  const said: string[] = [];
  const look = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      said.push(line);
      for (const each of look) each(line);
    });
  }
  const find = (wanted: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const take = (line: string) => {
        const match = wanted.exec(line);
        if (match) resolve(match[1] ?? match[0]);
      };
      said.forEach(take);
      look.add(take);
      child.once("exit", () => reject(new Error(`wirespan ${words.join(" ")} ended: ${said.join("\n")}`)));
    });
  return { found: await find(pattern), find, stop: () => stopped(child) };
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) {
      resolve();
      return;
    }
    child.once("exit", () => {
      resolve();
    });
    child.kill("SIGINT");
  });
}
