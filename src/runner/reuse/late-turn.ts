import { flushFrames } from '../channel/channel.js';
import { inNextTurn } from '../channel/primordials.js';
import type { OpenResources } from './open-resources.js';

/**
 * The turn of the event loop after the one in which the code of an execution is called. Most executions are over by
 * then: one turn serves for what would need two.
 */
export class LateTurn {
  private isToCome = false;
  /** What is done in it. */
  private step = flushFrames;

  /** @param resources what the execution has begun; null: its runner is not used again. */
  constructor(private readonly resources: OpenResources | null) {}

  /** Sends the frames that wait, unless the result has come by then and is sent with them. */
  flush(): void {
    this.isToCome = true;
    this.resources?.noteOwnTurn();
    inNextTurn(() => {
      this.isToCome = false;
      this.step();
    });
  }

  /**
   * Calls back when everything has come that can still come of code that has ended. Of code that began nothing that runs later,
   * that is so after one turn: its rejected promises are known then. What it closed in its last turn takes two.
   */
  whenNothingIsLate(done: () => void): void {
    const { resources } = this;
    const wait = (): void => {
      if (resources?.isStill) done();
      else inNextTurn(done);
    };
    if (this.isToCome && resources?.isStill) {
      this.step = wait;
      return;
    }
    resources?.noteOwnTurn();
    inNextTurn(wait);
  }
}
