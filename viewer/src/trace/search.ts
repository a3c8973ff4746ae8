/** Search inside one trace: names, services, attributes (`key=value`), errors, events and logs. */

import type { Attributes, Value } from "../contract.ts";
import type { SpanNode, TraceModel } from "./model.ts";

const texts = new WeakMap<SpanNode, string>();

/** Spans that hold all words of the text, in tree order. Upper and lower case are the same. */
export function matchesOf(model: TraceModel, text: string): SpanNode[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return model.nodes.filter((node) => {
    const held = textOf(node);
    return words.every((word) => held.includes(word) || node.span.span_id === word);
  });
}

/** The next one after the place in the tree, around the end; `step` -1 goes back. */
export function nextOf(nodes: readonly SpanNode[], index: number, step: 1 | -1): SpanNode | undefined {
  if (step === 1) return nodes.find((node) => node.index > index) ?? nodes[0];
  return nodes.findLast((node) => node.index < index) ?? nodes.at(-1);
}

/** Made once for each span: a trace may have ten thousand and a key press searches them all. */
function textOf(node: SpanNode): string {
  let text = texts.get(node);
  if (text === undefined) {
    text = partsOf(node).join("\n").toLowerCase();
    texts.set(node, text);
  }
  return text;
}

function partsOf({ span, logs }: SpanNode): string[] {
  return [
    span.name,
    span.service,
    span.status_message ?? "",
    span.end_reason ?? "",
    span.scope ?? "",
    span.http?.path ?? "",
    ...pairsOf(span.attributes),
    ...span.events.flatMap(({ name, attributes }) => [name, ...pairsOf(attributes)]),
    ...logs.flatMap(({ body, attributes }) => [body, ...pairsOf(attributes)]),
  ];
}

const pairsOf = (attributes: Attributes): string[] =>
  Object.entries(attributes).map(([key, value]) => `${key}=${valueText(value)}`);

/** A value as text: strings as they are, the rest as JSON. */
export function valueText(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
