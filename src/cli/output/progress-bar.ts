const WIDTH = 30;
/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_MS = 100;

/** One line of progress on a terminal. Writes nothing where the stream is no terminal. */
export class ProgressBar {
  private readonly shown: boolean;
  private drawnAtMs = Number.NEGATIVE_INFINITY;
  private done = 0;

  constructor(
    private readonly stream: NodeJS.WritableStream,
    private readonly total: number,
  ) {
    this.shown = (stream as Partial<NodeJS.WriteStream>).isTTY ?? false;
  }

  /** `done` of the total are done. */
  update(done: number): void {
    this.done = done;
    if (!this.shown || performance.now() - this.drawnAtMs < REDRAW_MS) return;
    this.drawnAtMs = performance.now();
    this.draw();
  }

  /** Shows the last state and leaves the line. */
  end(): void {
    if (!this.shown) return;
    this.draw();
    this.stream.write('\n');
  }

  private draw(): void {
    this.stream.write(`\r${barOf(this.done, this.total)}`);
  }
}

/** The bar as text, always equally wide for a total. */
export function barOf(done: number, total: number): string {
  const part = total > 0 ? Math.min(1, done / total) : 1;
  const filled = Math.round(part * WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
  return `${bar} ${String(Math.floor(part * 100)).padStart(3)} % ${String(done).padStart(String(total).length)}/${total}`;
}
