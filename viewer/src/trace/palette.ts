/** Colours of services: the same service has the same colour in most traces, and two in one trace rarely share one. */

/** As many as `tokens.css` has: `--service-1` to `--service-8`. */
const COLORS = 8;

/** @returns the style property of each service, in order of first appearance */
export function paletteOf(names: Iterable<string>): Map<string, string> {
  const chosen = new Map<string, string>();
  const taken = new Set<number>();
  for (const name of names) {
    if (chosen.has(name)) continue;
    const color = free(hash(name) % COLORS, taken);
    chosen.set(name, `--service-${color + 1}`);
    taken.add(color);
  }
  return chosen;
}

/** The next one that nobody has; once all are taken, the first choice. */
function free(first: number, taken: ReadonlySet<number>): number {
  for (let step = 0; step < COLORS; step++) {
    const color = (first + step) % COLORS;
    if (!taken.has(color)) return color;
  }
  return first;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
