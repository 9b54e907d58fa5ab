import { KINDS } from '../kinds/registry.js';
import type { RunnerProcess } from '../process/runner-process.js';
import type { Slot, SlotEnd } from '../kinds/slot.js';
import type { PlacePhase, PlaceView } from './pool-view.js';

/** The right to one execution on one runner. Given back to the pool, which alone makes them. */
export class RunnerLease implements PlaceView {
  phase: PlacePhase = 'running';
  /** Unix milliseconds. */
  readonly startedAtMs = Date.now();
  private untouched: boolean | null = null;
  private isBack = false;
  private returning: PromiseWithResolvers<void> | null = null;

  constructor(
    readonly executionId: string,
    readonly slot: Slot,
    public keep: boolean,
    private readonly lookAtScratch: () => boolean,
  ) {}

  /**
   * The scratch folder is as empty as it was; false: that is not known. To be asked when the execution is over: it is looked
   * at once. Where a runner says it of a folder of its own, a lie costs it its artifacts.
   */
  get leftNothing(): boolean {
    this.untouched ??= this.slot.hasEmptied || this.lookAtScratch();
    return this.untouched;
  }

  giveBack(): void {
    this.isBack = true;
    this.returning?.resolve();
  }

  /** Resolves when it was given back: what the execution left is no longer looked at. */
  get returned(): Promise<void> {
    this.returning ??= Promise.withResolvers<void>();
    if (this.isBack) this.returning.resolve();
    return this.returning.promise;
  }

  get end(): SlotEnd | null {
    return this.slot.end;
  }
}

/** A place on this runner, of the runner's kind. */
export function slotOn(runner: RunnerProcess, scratch: string): Slot {
  return KINDS[runner.kind.name].openSlot(runner, scratch);
}
