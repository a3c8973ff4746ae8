/** A table for tens to hundreds of rows, sortable by its heads; the order is in the URL's hand through `sort`. */

import type { ComponentChildren } from "preact";
import { Icon } from "./Icon.tsx";

export interface Column<Row> {
  key: string;
  label: string;
  /** Told when the head is hovered. */
  hint?: string;
  isNumber?: boolean;
  /** What rows are ordered by; a column without it cannot be sorted by. */
  order?: (row: Row) => number | string;
  cell: (row: Row) => ComponentChildren;
  class?: string;
}

export interface Sort {
  key: string;
  isDescending: boolean;
}

interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  sort: Sort;
  onSort: (sort: Sort) => void;
  selected?: string | null;
  onOpen?: (row: Row) => void;
  /** A second line under a row, as wide as the table. */
  detail?: (row: Row) => ComponentChildren;
}

export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, keyOf, sort, onSort, selected, onOpen, detail } = props;
  const column = columns.find(({ key }) => key === sort.key);
  const rows = column ? sorted(props.rows, column, sort.isDescending) : props.rows;
  return (
    <table class="table" aria-label={label}>
      <thead>
        <tr>
          {columns.map((each) => (
            <HeadCell key={each.key} column={each} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      {rows.map((row) => (
        <tbody key={keyOf(row)} class={keyOf(row) === selected ? "selected" : undefined} onClick={onOpen && (() => onOpen(row))}>
          <tr>
            {columns.map(({ key, cell, isNumber, class: name }) => (
              <td key={key} class={`${isNumber ? "number" : ""} ${name ?? ""}`}>
                {cell(row)}
              </td>
            ))}
          </tr>
          {detail && (
            <tr class="row-detail">
              <td colSpan={columns.length}>{detail(row)}</td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  );
}

interface HeadCellProps<Row> {
  column: Column<Row>;
  sort: Sort;
  onSort: (sort: Sort) => void;
}

function HeadCell<Row>({ column, sort, onSort }: HeadCellProps<Row>) {
  const { key, label, hint, isNumber, order } = column;
  const isSorted = sort.key === key;
  const direction = sort.isDescending ? "descending" : "ascending";
  const name = `${isNumber ? "number" : ""} ${column.class ?? ""}`;
  if (!order) {
    return (
      <th scope="col" class={name} title={hint}>
        {label}
      </th>
    );
  }
  return (
    <th scope="col" class={name} title={hint} aria-sort={isSorted ? direction : undefined}>
      <button type="button" onClick={() => onSort({ key, isDescending: isSorted ? !sort.isDescending : isNumber === true })}>
        {label}
        {isSorted && <Icon name={sort.isDescending ? "down" : "up"} size={12} />}
      </button>
    </th>
  );
}

export function sorted<Row>(rows: Row[], { order }: Column<Row>, isDescending: boolean): Row[] {
  if (!order) return rows;
  const sign = isDescending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [order(one), order(other)];
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  });
}
