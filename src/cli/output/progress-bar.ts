/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 100;
const ERASE_LINE = '\r\u001B[2K';

/** How a bar looks. */
interface BarLook {
  /** In characters. */
  width?: number;
  /** What is done, and what is not. */
  marks?: readonly [string, string];
}

/** A bar of constant width, filled as far as `part` of 0 to 1 says. */
export function drawnBar(
  part: number,
  { width = 30, marks: [done, open] = ['█', '░'] }: BarLook = {},
): string {
  const filled = Math.round(Math.min(1, part) * width);
  return done.repeat(filled) + open.repeat(width - filled);
}

/** The last line of a terminal, which is written again and again. Writes nothing where the stream is no terminal. */
export class StatusLine {
  readonly isShown: boolean;

  constructor(private readonly stream: NodeJS.WritableStream) {
    this.isShown = (stream as Partial<NodeJS.WriteStream>).isTTY === true;
  }

  /** Shows this text instead of what the line had. */
  draw(text: string): void {
    if (this.isShown) this.stream.write(`${ERASE_LINE}${text}`);
  }

  erase(): void {
    this.draw('');
  }

  /** Leaves the line as it is. */
  leave(): void {
    if (this.isShown) this.stream.write('\n');
  }
}

/** How many of a total are done, as a bar in the last line of a terminal. */
export class ProgressBar {
  private readonly line: StatusLine;
  private drawnAtMs = Number.NEGATIVE_INFINITY;
  private done = 0;

  constructor(
    stream: NodeJS.WritableStream,
    private readonly total: number,
  ) {
    this.line = new StatusLine(stream);
  }

  /** `done` of the total are done. */
  update(done: number): void {
    this.done = done;
    if (performance.now() - this.drawnAtMs < REDRAW_MS) return;
    this.drawnAtMs = performance.now();
    this.line.draw(barOf(this.done, this.total));
  }

  /** Shows the last state and leaves the line. */
  end(): void {
    this.line.draw(barOf(this.done, this.total));
    this.line.leave();
  }
}

/** The bar with its figures, always equally wide for a total. */
export function barOf(done: number, total: number): string {
  const part = total > 0 ? Math.min(1, done / total) : 1;
  const count = String(done).padStart(String(total).length);
  return `${drawnBar(part)} ${String(Math.floor(part * 100)).padStart(3)} % ${count}/${total}`;
}
