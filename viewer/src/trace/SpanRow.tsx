/** One span in the waterfall: its place in the tree, name and service, its times, and its bar. */

import { Duration } from "../components/Duration.tsx";
import { Icon } from "../components/Icon.tsx";
import { memo } from "../components/memo.ts";
import type { TraceProblem } from "../contract.ts";
import { formatCount } from "../units.ts";
import { Highlighted } from "./Highlighted.tsx";
import type { SpanNode } from "./model.ts";
import type { Range } from "./range.ts";
import type { SpanRow } from "./rows.ts";
import { SpanBar } from "./SpanBar.tsx";
import { skewText } from "./TraceServices.tsx";
import { errorOf } from "./verdict.ts";
import { rowId } from "./Waterfall.tsx";

interface SpanRowProps {
  row: SpanRow;
  /** Place among all rows. */
  index: number;
  isSelected: boolean;
  /** Whether a search found it, and with which words. */
  isMatch: boolean;
  find: string;
  range: Range;
}

export const SpanRowView = memo(({ row, index, isSelected, isMatch, find, range }: SpanRowProps) => {
  const { node, level, isOpen } = row;
  const { span } = node;
  return (
    <div
      id={rowId(row.key)}
      class={`waterfall-row ${isSelected ? "selected" : ""} ${isMatch ? "match" : ""} ${span.error ? "failed" : ""}`}
      role="row"
      data-row={index}
      aria-rowindex={index + 2}
      aria-level={level + 1}
      aria-expanded={isOpen ?? undefined}
      aria-selected={isSelected}
    >
      <span role="gridcell" class="cell-name">
        <Indent level={level} />
        <Fold isOpen={isOpen} />
        <NameParts node={node} find={find} />
        {isOpen === false && <span class="hidden-count">{`+${formatCount(node.end - node.index - 1)}`}</span>}
      </span>
      <span role="gridcell" class="cell-number">
        <Duration ns={span.duration_ns} />
      </span>
      <span role="gridcell" class="cell-number cell-self">
        {span.self_ns === span.duration_ns ? <span class="visually-hidden">all of it</span> : <Duration ns={span.self_ns} />}
      </span>
      <span role="gridcell" class="cell-time">
        <SpanBar node={node} range={range} isSelected={isSelected} />
      </span>
    </div>
  );
});

export function Indent({ level }: { level: number }) {
  return <span class="indent" style={{ width: `calc(${level} * var(--indent))` }} />;
}

function Fold({ isOpen }: { isOpen: boolean | null }) {
  if (isOpen === null) return <span class="fold leaf" />;
  return (
    <span class="fold" aria-hidden="true">
      <Icon name={isOpen ? "down" : "right"} size={12} />
    </span>
  );
}

function NameParts({ node, find }: { node: SpanNode; find: string }) {
  const { span, parent } = node;
  const isNewService = parent?.span.service !== span.service;
  return (
    <>
      <span class="service-mark" style={{ background: `var(${node.color})` }} />
      {span.error && (
        <span class="row-error" title={errorOf(span)}>
          <Icon name="warning" size={12} />
          <span class="visually-hidden">error</span>
        </span>
      )}
      <span class="span-name" title={`${span.name} · ${span.service}`}>
        <Highlighted text={span.name} find={find} />
      </span>
      {isNewService && (
        <span class="span-service">
          <Highlighted text={span.service} find={find} />
        </span>
      )}
      {span.http?.status && span.http.status >= 400 ? <span class="span-status">{span.http.status}</span> : null}
      {remarksOf(node).map(({ text, message }) => (
        <span key={text} class="remark" title={message}>
          {text}
        </span>
      ))}
    </>
  );
}

const REMARKS = { missing_parent: "no parent", gap: "gap", outlives_parent: "outlives", cycle: "circle" } as const;

/** One for each kind of problem: three gaps are `gap x3`. */
function remarksOf(node: SpanNode): { text: string; message: string }[] {
  const kinds = new Map<string, string[]>();
  for (const problem of node.problems) {
    const word = remarkOf(problem, node);
    kinds.set(word, [...(kinds.get(word) ?? []), problem.message]);
  }
  return [...kinds].map(([word, messages]) => ({ text: messages.length > 1 ? `${word} ×${messages.length}` : word, message: messages.join("\n") }));
}

function remarkOf({ kind }: TraceProblem, { span }: SpanNode): string {
  return kind === "clock_skew" ? `clock ${skewText(span.skew_ns)}` : REMARKS[kind];
}
