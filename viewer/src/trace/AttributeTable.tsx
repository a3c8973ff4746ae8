/** Attributes as keys and values: searched, copied, and followed to other requests that have the same. */

import { useState } from "preact/hooks";
import { CopyButton } from "../components/CopyButton.tsx";
import { Icon } from "../components/Icon.tsx";
import type { Attributes, Value } from "../contract.ts";
import { addressOf } from "../router.ts";
import { formatDuration } from "../units.ts";
import { Highlighted } from "./Highlighted.tsx";
import { valueText } from "./search.ts";

/** Fewer are seen at a glance. */
const SEARCHED_FROM = 8;

/** Longer values scroll in a box of their own, so that the next key stays in sight. */
const LONG = 400;

interface AttributeTableProps {
  title: string;
  attributes: Attributes;
  isOpen?: boolean;
  /** Whether other requests can be found by these attributes. */
  isLinked?: boolean;
}

export function AttributeTable({ title, attributes, isOpen = false, isLinked = false }: AttributeTableProps) {
  const [find, setFind] = useState("");
  const pairs = Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1));
  if (!pairs.length) return null;
  const wanted = find.trim().toLowerCase();
  const shown = pairs.filter(([key, value]) => `${key}=${valueText(value)}`.toLowerCase().includes(wanted));
  return (
    <details class="detail-section" open={isOpen}>
      <summary>
        {title} <span class="dim">{pairs.length}</span>
      </summary>
      {pairs.length >= SEARCHED_FROM && (
        <input class="attribute-search" type="search" aria-label={`Search in ${title.toLowerCase()}`} placeholder="Search keys and values" value={find} onInput={(event) => setFind(event.currentTarget.value)} />
      )}
      <dl class="attributes">
        {shown.map(([key, value]) => (
          <div key={key}>
            <dt title={key}>
              <Highlighted text={key} find={wanted} />
            </dt>
            <dd class={valueText(value).length > LONG ? "long" : undefined}>
              <AttributeValue value={value} find={wanted} />
              {key.endsWith("_ns") && typeof value === "number" && value >= 1000 && <span class="dim"> {formatDuration(value)}</span>}
              <span class="attribute-actions">
                {isLinked && typeof value !== "object" && (
                  <a class="icon-button" href={addressOf("/live", new URLSearchParams({ attr: `${key}=${valueText(value)}` }))} aria-label={`Requests with this ${key}`} title="Requests with the same">
                    <Icon name="filter" size={13} />
                  </a>
                )}
                <CopyButton label={`Copy ${key}`} text={valueText(value)} />
              </span>
            </dd>
          </div>
        ))}
      </dl>
      {!shown.length && <p class="dim">No key or value has this.</p>}
    </details>
  );
}

function AttributeValue({ value, find }: { value: Value; find: string }) {
  if (value !== null && typeof value === "object") return <pre class="value-json" tabIndex={valueText(value).length > LONG ? 0 : undefined}>{JSON.stringify(value, null, 2)}</pre>;
  return (
    <span class={`value-${value === null ? "null" : typeof value}`} tabIndex={valueText(value).length > LONG ? 0 : undefined}>
      <Highlighted text={valueText(value)} find={find} />
    </span>
  );
}
