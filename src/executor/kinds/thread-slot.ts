import { waitAtMost } from '../../lib/time-limit.js';
import type { ModuleReply } from '../../boundary/module-protocol.js';
import { Slot } from './slot.js';
import type { StopCause } from '../../outcome/run-end.js';

/** After `context.signal` aborts at the time limit: how long the code may take to end by itself. */
const CANCEL_GRACE_MS = 150;
/** The host notes where the thread is and ends it; a thread that is still there then is stuck. */
const TERMINATE_MS = 650;
const SETTLE_MS = 1_000;

/** One thread of a runner process: code is cancelled, then its thread terminated, then the thread is stuck. */
export class ThreadSlot extends Slot {
  protected override sendReply(reply: ModuleReply): void {
    this.runner.send({ type: 'module-reply', ref: this.ref, reply });
  }

  /** Its host does it: the channel belongs to the neighbours too. */
  override hold(held: boolean): void {
    this.runner.send({ type: 'hold', ref: this.ref, held });
  }

  override stop(cause: StopCause): void {
    switch (cause) {
      case 'reported':
        // Most say that they are clean together with their result.
        if (this.keep) queueMicrotask(() => void this.terminateAfter(SETTLE_MS));
        else void this.terminateAfter(0);
        return;
      case 'timeout':
      case 'cpu':
        this.cancel('the limit of its time is reached');
        this.probe();
        void this.terminateAfter(CANCEL_GRACE_MS, true);
        return;
      case 'memory':
      case 'scratch':
      case 'output':
      case 'interrupted':
      case 'cancelled':
        void this.terminateAfter(0);
        return;
      case 'protocol':
        this.runner.kill();
    }
  }

  private async terminateAfter(graceMs: number, trace = false): Promise<void> {
    if (graceMs > 0 && !this.isOver) await waitAtMost(this.finished, graceMs);
    if (this.isOver) return;
    this.runner.send({ type: 'terminate', ref: this.ref, trace: trace && this.trace === null });
    await waitAtMost(this.finished, TERMINATE_MS);
    if (!this.isOver) this.finish({ stuck: true });
  }
}
