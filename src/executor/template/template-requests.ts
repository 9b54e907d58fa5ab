import type { Writable } from 'node:stream';
import { reapRequest } from './control-messages.js';

/** An end is noted with the next request, or after this time. */
const NOTE_MS = 20;

/** What a frozen template is asked. Each message wakes it: what is not urgent waits for one that is. */
export class TemplateRequests {
  private waiting: Buffer[] = [];
  private timer: NodeJS.Timeout | null = null;
  private isOver = false;

  constructor(private readonly control: Writable) {}

  /** Sends a request now. */
  send(request: Buffer): void {
    this.waiting.push(request);
    this.flush();
  }

  /** The end of this child is noted: its number may be given to another process. */
  reap(pid: number): void {
    if (this.isOver) return;
    this.waiting.push(reapRequest(pid));
    this.timer ??= setTimeout(() => this.flush(), NOTE_MS).unref();
  }

  /** The template ends: it reads nothing any more, and what is written fails. */
  stop(): void {
    this.isOver = true;
    this.take();
  }

  private flush(): void {
    const waiting = this.take();
    if (this.isOver) return;
    this.control.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting));
  }

  private take(): Buffer[] {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { waiting } = this;
    this.waiting = [];
    return waiting;
  }
}
