/** Icons of the shell and of buttons: strokes on a 16 by 16 grid, in the colour of the text around them. */

const PATHS = {
  live: "M2 8h2.5l2-5 3 10 2-5H14",
  routes: "M2.5 3.5h11M2.5 8h7.5M2.5 12.5h4.5",
  services: "M8 2.2v3.1M8 10.7v3.1M5.3 8a2.7 2.7 0 1 0 5.4 0a2.7 2.7 0 1 0-5.4 0M3 12.5l2.7-2.4M13 12.5l-2.7-2.4",
  inflight: "M8 4.5V8l2.4 1.6M14 8A6 6 0 1 1 8 2",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6L12.6 8z",
  clear: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5h7.5v7.5H5.5zM3 10.5V3h7.5",
  check: "M3 8.5l3.2 3.2L13 4.8",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  sun: "M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13 9.6A5.6 5.6 0 1 1 6.4 3a4.5 4.5 0 0 0 6.6 6.6z",
  system: "M2.5 3.5h11v7h-11zM6 13h4M8 10.5V13",
  keyboard: "M1.8 4.5h12.4v7H1.8zM4 7h.1M6.6 7h.1M9.2 7h.1M11.8 7h.1M5 9.3h6",
  clock: "M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 1 0 0-11.6M8 4.8V8l2.2 1.4",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 1 0 0-8.4M10.2 10.2l3.2 3.2",
  link: "M6.5 9.5l3-3M7 4.5l1.3-1.3a2.7 2.7 0 0 1 3.8 3.8L10.8 8.3M9 11.5l-1.3 1.3a2.7 2.7 0 0 1-3.8-3.8L5.2 7.7",
  warning: "M8 2.5l6 10.8H2zM8 6.5v3M8 11.4v.1",
  download: "M8 2.5v7.2M5 7l3 3 3-3M3 13h10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
