import type { AriaRole, ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows that are drawn beyond both edges, so that scrolling shows no gaps. */
const MARGIN = 12;
/** Room for a scroll bar and the padding below. */
const FRAME = 18;

/** Which rows of one height are to be drawn. Pure. */
export function windowOf(
  scrollTop: number,
  height: number,
  rowHeight: number,
  rows: number,
): { from: number; to: number } {
  const first = Math.floor(scrollTop / rowHeight) - MARGIN;
  const last = Math.ceil((scrollTop + height) / rowHeight) + MARGIN;
  return { from: Math.max(0, Math.min(first, rows)), to: Math.max(0, Math.min(rows, last)) };
}

interface Props {
  rows: number;
  rowHeight: number;
  render: (index: number) => ComponentChildren;
  class?: string;
  label: string;
  role?: AriaRole;
  /** Stays at the end while rows are added, until a person scrolls up. */
  follow?: boolean;
  onFollow?: (follows: boolean) => void;
  /** A row to be scrolled to. */
  goTo?: { index: number } | null;
  onEnd?: () => void;
  /** Told whether the first rows are in sight, when it is scrolled. */
  onTop?: (isThere: boolean) => void;
  /** Is no higher than its rows. */
  fits?: boolean;
}

/** A list that draws only the rows that are seen, of which there may be hundreds of thousands. */
export function Window({
  rows,
  rowHeight,
  render,
  label,
  role = 'log',
  follow = false,
  onFollow,
  goTo = null,
  onEnd,
  onTop,
  fits = false,
  ...rest
}: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const isOurs = useRef(false);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() =>
      setView({ top: element.scrollTop, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !follow) return;
    isOurs.current = true;
    element.scrollTop = element.scrollHeight;
  }, [rows, follow, view.height]);

  useEffect(() => {
    const element = box.current;
    if (!element || !goTo) return;
    const top = goTo.index * rowHeight;
    const isSeen = top >= element.scrollTop && top + rowHeight <= element.scrollTop + element.clientHeight;
    if (isSeen) return;
    isOurs.current = true;
    element.scrollTop = Math.max(0, top - element.clientHeight / 2);
  }, [goTo]);

  const onScroll = (): void => {
    const element = box.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (isOurs.current) isOurs.current = false;
    else onFollow?.(left < rowHeight);
    if (left < element.clientHeight) onEnd?.();
    onTop?.(element.scrollTop < rowHeight);
  };

  const { from, to } = windowOf(view.top, view.height, rowHeight, rows);
  const drawn: ComponentChildren[] = [];
  for (let index = from; index < to; index++) drawn.push(render(index));
  return (
    <div
      ref={box}
      class={`window ${rest.class ?? ''}`}
      role={role}
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      style={fits ? { height: `${rows * rowHeight + FRAME}px` } : undefined}
      onScroll={onScroll}
    >
      <div class="window-all" style={{ height: `${rows * rowHeight}px` }}>
        <div class="window-seen" style={{ transform: `translateY(${from * rowHeight}px)` }}>
          {drawn}
        </div>
      </div>
    </div>
  );
}
