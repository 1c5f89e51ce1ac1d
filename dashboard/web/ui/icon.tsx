/** Paths of 24 × 24 pictures, drawn with a stroke of 1.75. */
const PATHS = {
  functions: "M4 17l6-5-6-5M12 19h8",
  flows: "M6 3v6a3 3 0 0 0 3 3h6a3 3 0 0 1 3 3v6M6 3a2 2 0 1 0 .01 0M18 21a2 2 0 1 0 .01 0",
  git: "M6 3v12M6 15a3 3 0 1 0 .01 0M18 3a3 3 0 1 0 .01 0M18 9a9 9 0 0 1-9 9",
  calls: "M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01",
  topics:
    "M12 12h.01M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.6 5.6a9 9 0 0 0 0 12.8M18.4 5.6a9 9 0 0 1 0 12.8",
  schedules: "M12 3a9 9 0 1 0 .01 0M12 7v5l3 2",
  commands: "M3 5h18v14H3zM7 9l3 3-3 3M12 15h5",
  secrets: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  keys: "M8 15a4 4 0 1 0 .01 0M11 12l9-9M16 7l3 3",
  usage: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  audit: "M6 3h9l4 4v14H6zM9 11h7M9 15h7",
  system: "M4 5h16v6H4zM4 13h16v6H4zM7 8h.01M7 16h.01",
  plus: "M12 5v14M5 12h14",
  search: "M11 5a6 6 0 1 0 .01 0M16 16l4 4",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12l5 5L20 7",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  sun: "M12 8a4 4 0 1 0 .01 0M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M19 5l-1.5 1.5M6.5 17.5L5 19",
  play: "M7 4l13 8-13 8z",
  pause: "M8 5v14M16 5v14",
  stop: "M6 6h12v12H6z",
  retry: "M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  edit: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  left: "M15 6l-6 6 6 6",
  up: "M6 15l6-6 6 6",
  warning: "M12 4L2 20h20zM12 10v4M12 17h.01",
  info: "M12 3a9 9 0 1 0 .01 0M12 11v5M12 8h.01",
  image: "M4 4h16v16H4zM4 16l5-5 4 4 3-3 4 4M15 8h.01",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  out: "M14 4h6v16h-6M10 8l-4 4 4 4M6 12h9",
  clock: "M12 3a9 9 0 1 0 .01 0M12 7v5h4",
  undo: "M9 7L4 12l5 5M4 12h11a5 5 0 0 1 0 10h-3",
  redo: "M15 7l5 5-5 5M20 12H9a5 5 0 0 0 0 10h3",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: the text or the label beside it says what it means. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
