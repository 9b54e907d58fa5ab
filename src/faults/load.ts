import type { JobsOptions } from 'bullmq';
import type { ExecutionContext } from '../contract/context.js';
import { pick } from './seeded-random.js';
import type { StartCounter } from './start-counter.js';

/** The organization that has a cap, and the cap. */
export const CAPPED = { organization: 'capped', maxRunning: 2 };

/** How long code runs, in milliseconds: some of it meets a fault. */
const RUN_MS = [0, 0, 20, 100, 1_500];
const SUCCEEDS = 'return context.starts';
const FAILS = `throw new Error('on purpose')`;
const FAILS_ONCE = `if (context.attempt === 1) throw new Error('once'); return context.starts`;
const ENDINGS = [...Array.from({ length: 14 }, () => SUCCEEDS), FAILS, FAILS_ONCE];
const ORGANIZATIONS = [null, null, 'a', 'b'];
/** One of this many executions has a cap, and one waits first. */
const CAPPED_EVERY = 10;
const DELAYED_EVERY = 13;
const DELAY_MS = 500;
const BACKOFF_MS = 200;
/** More than any fault of a campaign lasts. */
const TIMEOUT_SECONDS = 120;

/**
 * The executions of a campaign: most are short; some outlive a fault, some wait first, some fail by themselves, for good or
 * once, and some are of an organization that has a cap. The first thing that each does is to have its start counted.
 */
export class Load {
  private count = 0;

  constructor(
    private readonly random: () => number,
    private readonly counter: StartCounter,
  ) {}

  next(): { context: ExecutionContext; options: JobsOptions } {
    const index = this.count++;
    const counting = this.counter.count('context.executionId');
    const ms = pick(this.random, RUN_MS);
    const ending = pick(this.random, ENDINGS);
    const organization = index % CAPPED_EVERY === 0 ? CAPPED.organization : pick(this.random, ORGANIZATIONS);
    return {
      context: {
        workflow_code: `export default async (_, context) => { ${counting} await new Promise((r) => setTimeout(r, ${ms})); ${ending} }`,
        function_name: 'default',
        parameters: {},
        timeout_seconds: TIMEOUT_SECONDS,
        ...(organization === null ? {} : { organization: { id: organization } }),
      },
      options: {
        ...(index % DELAYED_EVERY === 0 ? { delay: DELAY_MS } : {}),
        ...(ending === FAILS_ONCE ? { attempts: 2, backoff: { type: 'fixed', delay: BACKOFF_MS } } : {}),
      },
    };
  }
}
