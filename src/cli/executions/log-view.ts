import type { LogEvent } from '../../contract/log-stream.js';
import { type Output, paint, plain } from '../output/output.js';
import type { LocalPlaces } from './local-places.js';
import { drawnBar, StatusLine } from '../output/progress-bar.js';

const BAR_WIDTH = 24;

/**
 * Shows an execution as it goes: what it prints, where it printed it, and on a terminal a bar of its
 * progress below.
 */
export class LogView {
  /** Whether the last that was shown of a stream had no line end. */
  readonly open = { stdout: false, stderr: false };
  private readonly line: StatusLine;
  private bar = '';

  /** @param places what is said of places in the code: where they are on this disk. */
  constructor(
    private readonly output: Output,
    private readonly places: LocalPlaces = (text) => text,
  ) {
    this.line = new StatusLine(output.stderr);
  }

  show(event: LogEvent): void {
    switch (event.type) {
      case 'log': {
        this.eraseBar();
        const { stream, message, partial } = event;
        // Standard output is data.
        const text = stream === 'stderr' ? this.places(message) : message;
        this.output[stream].write(partial ? text : `${text}\n`);
        this.open[stream] = partial === true;
        return this.drawBar();
      }
      case 'progress':
        return this.showProgress(event.fraction, event.message);
      case 'dropped':
        return this.note(`${event.count} lines are missing here: Redis did not take them in time`);
      case 'truncated':
        return this.note('the oldest lines are gone: the log is longer than what is kept of it');
      case 'start':
        return event.attempt > 1 ? this.note(`attempt ${event.attempt}`) : undefined;
      case 'end':
        return this.close();
    }
  }

  /** The bar goes; what was printed stays. */
  close(): void {
    this.eraseBar();
    this.bar = '';
  }

  /** A line of the command itself, between those of the code. */
  note(text: string): void {
    this.eraseBar();
    const { stderr } = this.output;
    stderr.write(`${this.open.stderr ? '\n' : ''}${paint('dim', `(${text})`, stderr)}\n`);
    this.open.stderr = false;
    this.drawBar();
  }

  private showProgress(fraction: number, message: string | null): void {
    if (!this.line.isShown) return;
    const text = `${drawnBar(fraction, { width: BAR_WIDTH })} ${Math.round(fraction * 100)} %`;
    const { columns = 80 } = this.output.stderr as Partial<NodeJS.WriteStream>;
    this.bar = [text, plain(message ?? '')]
      .join(' ')
      .trimEnd()
      .slice(0, columns - 1);
    this.drawBar();
  }

  /** Not into an unfinished line of the code's own, which it would overwrite. */
  private drawBar(): void {
    if (this.bar === '' || this.open.stdout || this.open.stderr) return;
    this.line.draw(this.bar);
  }

  private eraseBar(): void {
    if (this.bar !== '' && !this.open.stdout && !this.open.stderr) this.line.erase();
  }
}
