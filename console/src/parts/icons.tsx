import type { JSX } from 'preact';

/** Lines of 20 by 20, drawn for this console. */
const PATHS = {
  overview: 'M3 10.500 10 4l7 6.500M5 9v7h10V9',
  executions: 'M4 5h12M4 10h12M4 15h8',
  queue: 'M4 5h9M4 10h9M4 15h9M16 5v10m0 0-2-2m2 2 2-2',
  schedules: 'M10 3.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13M10 6.500V10l2.500 2',
  filter: 'M3 5h14l-5.500 6v4.500l-3 1V11z',
  edit: 'm4 16 .8-3.200L13 4.600l2.400 2.400-8.200 8.200zM11.500 6.100l2.400 2.400',
  remove: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.600L14 6M8.500 9v4.500M11.500 9v4.500',
  add: 'M10 4v12M4 10h12',
  up: 'M10 16V5m0 0-4 4m4-4 4 4',
  organizations:
    'M7.500 5a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5M3 16c0-2.500 2-4 4.500-4s4.500 1.500 4.500 4M13 6a2 2 0 1 1 0 4M13.500 12.200c2 .2 3.500 1.600 3.500 3.800',
  access: 'M7.500 7.500a3 3 0 1 1 0 6 3 3 0 0 1 0-6M10 9.500l6.500-5M14 6.400l1.500 2',
  workers: 'M4 4h12v5H4zM4 11h12v5H4zM7 6.500h.01M7 13.500h.01',
  workspace: 'M3 6h5l1.500 2H17v8H3z',
  packages: 'm10 3 6 3v8l-6 3-6-3V6zM4 6l6 3 6-3M10 9v8',
  playground: 'm7 6-4 4 4 4M13 6l4 4-4 4M11.500 4l-3 12',
  settings: 'M4 6h7m4 0h1M4 14h1m4 0h7M13 4v4M7 12v4',
  sun: 'M10 6.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7M10 2v2M10 16v2M2 10h2M16 10h2M4.300 4.300l1.400 1.400M14.300 14.300l1.400 1.400M15.700 4.300l-1.400 1.400M5.700 14.300l-1.400 1.400',
  moon: 'M16 12.500A6.500 6.500 0 0 1 7.500 4 6.500 6.500 0 1 0 16 12.500',
  keys: 'M3 6h14v8H3zM6 9h.01M9 9h.01M12 9h.01M14.500 9h.01M7 12h6',
  leave: 'M8 4H4v12h4M12 7l3 3-3 3M15 10H8',
  search: 'M9 4a5 5 0 1 1 0 10A5 5 0 0 1 9 4M13 13l4 4',
  close: 'm5 5 10 10M15 5 5 15',
  again: 'M15.500 8A6 6 0 1 0 16 11.500M16 4v4h-4',
  stop: 'M6 6h8v8H6z',
  play: 'm7 5 8 5-8 5z',
  pause: 'M7 5v10M13 5v10',
  warning: 'm10 4 7 12H3zM10 8.500v3.500M10 14h.01',
  ok: 'm5 10.500 3.500 3.500L15 7',
  link: 'M8 6h6v6M14 6l-8 8',
  down: 'M10 4v9m0 0-4-4m4 4 4-4M4 16h12',
  menu: 'M4 6h12M4 10h12M4 14h12',
  file: 'M6 3h5l4 4v10H6zM11 3v4h4',
  back: 'M12 5l-5 5 5 5',
} as const;

export type IconName = keyof typeof PATHS;

/** A picture that adds nothing to the text beside it. */
export const Icon = ({ name }: { name: IconName }): JSX.Element => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);
