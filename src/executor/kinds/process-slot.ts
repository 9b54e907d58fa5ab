import { waitAtMost } from '../../lib/time-limit.js';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import { interrupt } from '../process/interrupted-places.js';
import { Slot } from './slot.js';
import type { StopCause } from '../../outcome/run-end.js';

/** An event loop that is free answers within this time. */
const PROBE_MS = 50;
/** How long Node may take to report where the code is. */
const TRACE_MS = 450;
/** How long a runner may take to clean up before it is given up. */
const SETTLE_MS = 1_000;

/** The whole of a runner process: code is ended by killing it. */
export class ProcessSlot extends Slot {
  private answered: () => void = () => undefined;

  protected override sendReply(reply: ModuleReply): void {
    this.runner.reply(reply);
  }

  override hold(held: boolean): void {
    this.runner.hold(held);
  }

  override stop(cause: StopCause): void {
    switch (cause) {
      case 'reported':
        // Most say that they are clean together with their result.
        if (this.keep) queueMicrotask(() => this.killUnlessSettled());
        else this.endReported();
        return;
      case 'timeout':
      case 'cpu':
        void this.traceAndKill();
        return;
      case 'memory':
      case 'scratch':
      case 'output':
      case 'protocol':
      case 'interrupted':
      case 'cancelled':
        this.runner.kill();
    }
  }

  protected override onAlive(resources: string[]): void {
    super.onAlive(resources);
    this.answered();
  }

  private endReported(): void {
    if (!this.runner.isDirect) return this.runner.kill();
    // From here on the kernel runs no instruction of it, and what it says no longer counts. Taking its
    // memory apart lasts milliseconds, for which the result need not wait.
    this.runner.discard();
    this.finish({});
  }

  private killUnlessSettled(): void {
    if (this.isOver) return;
    const late = setTimeout(() => this.runner.kill(), SETTLE_MS);
    void this.finished.then(() => clearTimeout(late));
  }

  /** Kills at most half a second later, however the runner behaves. */
  private async traceAndKill(): Promise<void> {
    try {
      const alive = new Promise<void>((resolve) => (this.answered = resolve));
      this.probe();
      await waitAtMost(Promise.race([alive, this.finished]), PROBE_MS);
      if (this.trace !== null || this.isOver) return;
      await interrupt(this.runner, TRACE_MS, (places) => (this.trace = { kind: 'blocked', places }));
    } finally {
      this.runner.kill();
    }
  }
}
