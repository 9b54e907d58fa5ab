import type { ExecutionResult } from '../../src/contract/result.js';
import {
  fieldOf,
  judgeRepeat,
  markText,
  parseMark,
  relationOf,
} from '../../src/results/delivery-identity.js';
import { endArguments } from '../../src/results/at-once/end-script.js';
import { MAX_LOST_WORKERS } from '../../src/results/start-history.js';
import { anEndInput } from '../support/end-input.js';
import { type Call, EXECUTION } from './scripts.js';
import { ownerOf, type JobState, type Step, type WorkerState, type World } from './world.js';

/** Something that can happen: a call of a script, and what follows from its answer. Changes the world that it is given. */
export interface Action {
  name: string;
  call?: Call;
  apply(world: World, reply: unknown): void;
}

const NOW = '2026-01-01T00:00:00.000Z';
const TTL = 3600;
/** A result: as much of one as decisions look at. */
const documentOf = (run: string, by: string, status: string, attempt: number, starts: number): string =>
  JSON.stringify({
    run: Number(run),
    by,
    status,
    attempt,
    starts,
    failure: status === 'failed' ? { code: 'USER_ERROR' } : null,
    metrics: status === 'succeeded' || status === 'failed' ? { run_ms: 1 } : {},
  });
const startsIn = ({ store }: World): number => Number(store.ledger['starts'] ?? 0);
const runOf = (document: string): string => String((JSON.parse(document) as { run: number }).run);

/** Everything that can happen next. */
export function actionsOf(world: World): Action[] {
  return [
    ...world.workers.flatMap((worker, index) => [
      ...(worker.step ? stepsOf(world, worker, index, worker.step) : deliveriesTo(world, worker, index)),
      ...endsOf(world, worker, index),
    ]),
    ...world.jobs.flatMap((job, index) => queueActions(world, job, index)),
    ...cancellerActions(world),
  ];
}

function deliveriesTo(world: World, _worker: WorkerState, index: number): Action[] {
  return world.jobs.flatMap((job, n) =>
    job.state !== 'waiting' || job.parked
      ? []
      : [
          {
            name: `${job.id} to w${index}`,
            apply: (next) => {
              const [own, taken] = [next.workers[index]!, next.jobs[n]!];
              taken.state = 'active';
              taken.holder = index;
              own.job = n;
              own.mark = { jobId: taken.id, addedAtMs: 1, ends: taken.ends, stalls: taken.stalls };
              own.step = { at: 'begin' };
            },
          },
        ],
  );
}

/** A worker dies after any step, or is taken for dead and goes on. */
function endsOf({ budget }: World, worker: WorkerState, index: number): Action[] {
  if (!worker.step) return [];
  const lose = (next: World): void => {
    const { step } = next.workers[index]!;
    // BullMQ never learns that the attempt has failed.
    if (step?.at === 'fail attempt') addLost(next, step.run);
    next.troubled = true;
    next.dead.push(ownerOf(index, next.workers[index]!));
  };
  const crash: Action = {
    name: `w${index} dies`,
    apply: (next) => {
      next.budget.crashes -= 1;
      if (!next.workers[index]!.leaseLost) lose(next);
      const { incarnation } = next.workers[index]!;
      next.workers[index] = {
        incarnation: incarnation + 1,
        leaseLost: false,
        job: null,
        mark: null,
        step: null,
      };
      for (const job of next.jobs) if (job.holder === index) job.holder = GONE;
    },
  };
  const freeze: Action = {
    name: `w${index} loses its lease`,
    apply: (next) => {
      next.budget.leases -= 1;
      lose(next);
      next.workers[index]!.leaseLost = true;
    },
  };
  return [
    ...(budget.crashes > 0 ? [crash] : []),
    ...(budget.leases > 0 && !worker.leaseLost ? [freeze] : []),
  ];
}

/** Holder of a job whose worker died. */
const GONE = -1;

/** BullMQ finds a stalled job; a person retries one that has ended. */
function queueActions(world: World, job: JobState, n: number): Action[] {
  const holder = job.holder === null || job.holder === GONE ? null : world.workers[job.holder];
  const stalled = job.state === 'active' && (!holder || holder.leaseLost);
  const stall: Action = {
    name: `${job.id} stalls`,
    apply: (next) => {
      Object.assign(next.jobs[n]!, { state: 'waiting', holder: null, stalls: job.stalls + 1 });
    },
  };
  const retry = (reset: boolean): Action => ({
    name: `${job.id} is retried${reset ? ', its count reset' : ''}`,
    apply: (next) => {
      next.budget.retries -= 1;
      next.asked += 1;
      next.retried += 1;
      Object.assign(next.jobs[n]!, { state: 'waiting', ends: reset ? 0 : job.ends });
    },
  });
  return [
    ...(stalled ? [stall] : []),
    ...(job.state === 'done' && world.budget.retries > 0 ? [retry(false), retry(true)] : []),
  ];
}

function cancellerActions(world: World): Action[] {
  const { canceller, budget } = world;
  if (canceller === 'none') {
    if (budget.cancels === 0) return [];
    return [
      {
        name: 'a cancellation is asked for',
        call: { script: 'ASK_CANCEL', args: [NOW, 'why', TTL] },
        apply: (next, reply) => {
          next.budget.cancels -= 1;
          const [kind, owner, , , , , run] = reply as string[];
          next.canceller = kind === 'ended' || owner !== '' ? 'none' : { at: 'settle', run: run! };
        },
      },
    ];
  }
  switch (canceller.at) {
    case 'settle': {
      const document = documentOf(canceller.run, 'canceller', 'cancelled', 1, startsIn(world));
      return [
        {
          name: 'the canceller settles',
          call: { script: 'SETTLE_UNOWNED', args: [document, TTL, canceller.run] },
          apply: (next, reply) => {
            const [kind, standing, sent] = reply as string[];
            if (kind === 'settled') settle(next, document);
            if (kind === 'owned' || sent === '1') next.canceller = 'none';
            else next.canceller = { at: 'send', document: kind === 'settled' ? document : standing! };
          },
        },
      ];
    }
    case 'send':
      return [
        {
          name: 'the canceller sends the result',
          apply: (next) => {
            send(next, canceller.document);
            next.canceller = { at: 'sent', run: runOf(canceller.document) };
          },
        },
      ];
    case 'sent':
      return [
        {
          name: 'the canceller notes that it is sent',
          call: { script: 'MARK_PUBLISHED', args: [canceller.run] },
          apply: (next) => (next.canceller = 'none'),
        },
      ];
  }
}

/** A worker that was lost over a run; another start of its code is allowed. */
function addLost(world: World, run: string): void {
  world.lost[run] = (world.lost[run] ?? 0) + 1;
}

/** The first result of a run stands. */
function settle(world: World, document: string): void {
  world.settled[runOf(document)] ??= document;
}

/** BullMQ ignores a second job of a name. */
function send(world: World, document: string): void {
  world.messages[runOf(document)] ??= document;
}

function stepsOf(world: World, worker: WorkerState, index: number, step: Step): Action[] {
  const owner = ownerOf(index, worker);
  const mark = worker.mark!;
  const name = `w${index}: ${step.at}`;
  const to = (next: World, then: Step | null): void => {
    next.workers[index]!.step = then;
    if (!then) next.workers[index]!.job = null;
  };
  const one = (apply: Action['apply'], call?: Call): Action[] => [{ name, ...(call ? { call } : {}), apply }];
  const started = (next: World, reply: unknown): void => {
    const [, attempt, lost, , cancel, , run, , , starts] = reply as [
      string,
      number,
      number,
      unknown,
      string | null,
      unknown,
      string,
      unknown,
      unknown,
      number,
    ];
    if (lost >= MAX_LOST_WORKERS)
      to(next, { at: 'settle', run, attempt: attempt - 1, starts, status: 'stalled' });
    else if (cancel) to(next, { at: 'settle', run, attempt, starts, status: 'cancelled' });
    else to(next, { at: 'start', run, attempt, starts });
  };
  switch (step.at) {
    case 'begin':
      return one((next, reply) => begun(next, index, reply as (string | null)[], { to, started }), {
        script: 'BEGIN',
        args: [owner, `w${index}`, NOW, TTL, '', fieldOf(mark)],
      });
    case 'take over':
      return one(
        (next, reply) => {
          const [kind, , , , , , run] = reply as string[];
          if (kind === 'started') {
            if (step.from !== owner) addLost(next, run!);
            started(next, reply);
          }
          // What it is by now is seen at the next look.
          else putBack(next, index, false);
        },
        {
          script: 'TAKE_OVER',
          args: [step.from, owner, `w${index}`, NOW, step.from === owner ? '0' : '1', '1'],
        },
      );
    case 'reopen':
      return one(
        (next, reply) => {
          const [kind] = reply as [string];
          if (kind === 'started') started(next, reply);
          else to(next, kind === 'unsent' ? { at: 'resend', after: 'begin' } : { at: 'begin' });
        },
        {
          script: 'REOPEN',
          args: [step.run, owner, `w${index}`, NOW, TTL, '', fieldOf(mark), step.seen, markText(mark)],
          former: step.run,
        },
      );
    case 'mark delivery':
      return one(
        (next, reply) => to(next, reply === 1 ? { at: 'resend', after: 'finish' } : { at: 'begin' }),
        {
          script: 'MARK_DELIVERY',
          args: [fieldOf(mark), markText(mark), TTL, step.run],
        },
      );
    case 'resend':
      return one((next) => {
        const { result, ledger } = next.store;
        if (result === null || ledger['published'] === '1') return to(next, { at: step.after });
        send(next, result);
        to(next, { at: 'sent', run: runOf(result), after: step.after });
      });
    case 'sent':
      return one((next) => to(next, { at: step.after }), { script: 'MARK_PUBLISHED', args: [step.run] });
    case 'start':
      return one((next) => {
        next.starts[step.run] = (next.starts[step.run] ?? 0) + 1;
        to(next, { ...step, at: 'code' });
      });
    case 'code':
      return codeEnds(world, index, step, to);
    case 'let go':
      return one(
        (next, reply) => {
          const [kind] = reply as [string];
          const kept = kind === 'kept';
          const { run, attempt, starts } = step;
          // BullMQ has given the job away, and never learns that the attempt has failed.
          if (kind === 'free' && next.workers[index]!.leaseLost) addLost(next, run);
          to(
            next,
            kept ? { at: 'settle', run, attempt, starts, status: 'cancelled' } : { at: 'fail attempt', run },
          );
        },
        {
          script: 'FREE',
          args: [
            owner,
            '1',
            '{}',
            step.run,
            0,
            0,
            fieldOf(mark),
            markText(mark, { attemptOnly: true }),
            'failed',
            NOW,
          ],
        },
      );
    case 'settle': {
      const document = documentOf(step.run, owner, step.status, step.attempt, step.starts);
      const separately = one(
        (next, reply) => {
          const [standing, sent] = reply as [string, string];
          if (sent === 'outdated') return to(next, { ...step, starts: startsIn(next) });
          if (sent === '0') settle(next, standing);
          to(next, sent === '0' ? { at: 'send', document: standing } : { at: 'finish' });
        },
        { script: 'SETTLE', args: [document, TTL, step.run, fieldOf(mark), markText(mark), step.starts] },
      );
      if (step.status !== 'succeeded' || step.starts !== 1) return separately;
      const atOnce: Action = {
        name: `w${index}: end at once`,
        call: {
          script: 'END',
          args: endArguments(
            anEndInput({
              executionId: EXECUTION,
              logFirst: NOW,
              logSecond: NOW,
              document,
              run: Number(step.run),
              mark: markText(mark),
              jobId: mark.jobId,
            }),
          ),
        },
        apply: (next, reply) => {
          const [kind] = reply as [string];
          if (kind !== 'ended') return to(next, step);
          settle(next, document);
          send(next, document);
          endDelivery(next, index, 'done');
        },
      };
      return [...separately, atOnce];
    }
    case 'send':
      return one((next) => {
        send(next, step.document);
        to(next, { at: 'sent', run: runOf(step.document), after: 'finish' });
      });
    case 'fail attempt':
      return one((next) => endDelivery(next, index, 'waiting'));
    case 'finish':
      return one((next) => endDelivery(next, index, 'done'));
  }
}

type To = (next: World, then: Step | null) => void;

function begun(
  next: World,
  index: number,
  reply: (string | null)[],
  { to, started }: { to: To; started: (next: World, reply: unknown) => void },
): void {
  const [kind, second, run, text, marks] = reply;
  if (kind === 'started') return started(next, reply);
  if (kind === 'owned') {
    const from = second!;
    const own = from === ownerOf(index, next.workers[index]!);
    return own || next.dead.includes(from) ? to(next, { at: 'take over', from }) : putBack(next, index, true);
  }
  const { mark } = next.workers[index]!;
  const relation = relationOf(parseMark(mark!.jobId, text), mark!, marks !== null);
  const result = JSON.parse(second!) as ExecutionResult;
  const { again } = next.jobs[next.workers[index]!.job!]!;
  const repeat = judgeRepeat(relation, { again, result });
  to(
    next,
    repeat.kind === 'further run'
      ? { at: 'reopen', run: run!, seen: text ?? '' }
      : { at: 'mark delivery', run: run! },
  );
}

function codeEnds(
  world: World,
  index: number,
  { run, attempt, starts }: Extract<Step, { at: 'code' }>,
  to: To,
): Action[] {
  const job = world.jobs[world.workers[index]!.job!]!;
  const mayRetry = world.workers[index]!.mark!.ends + 1 < job.attempts;
  return [
    {
      name: `w${index}: the code succeeds`,
      apply: (next) => to(next, { at: 'settle', run, attempt, starts, status: 'succeeded' }),
    },
    {
      name: `w${index}: the code fails`,
      apply: (next) =>
        to(
          next,
          mayRetry
            ? { at: 'let go', run, attempt, starts }
            : { at: 'settle', run, attempt, starts, status: 'failed' },
        ),
    },
  ];
}

/** A worker that was only thought to be dead renews its lease. */
function becomeIdle(next: World, index: number): void {
  const worker = next.workers[index]!;
  if (worker.leaseLost) next.dead = next.dead.filter((owner) => owner !== ownerOf(index, worker));
  Object.assign(worker, { job: null, mark: null, step: null, leaseLost: false });
}

/** BullMQ accepts an end only from the delivery that it believes in. */
function endDelivery(next: World, index: number, state: JobState['state']): void {
  const worker = next.workers[index]!;
  const job = next.jobs[worker.job!]!;
  if (job.holder === index && job.state === 'active') {
    Object.assign(job, { state, holder: null, ends: job.ends + 1 });
  }
  becomeIdle(next, index);
}

/** Put back without counting; `parked`: to be looked at only after something else has happened. */
function putBack(next: World, index: number, parked: boolean): void {
  const worker = next.workers[index]!;
  const job = next.jobs[worker.job!]!;
  if (job.holder === index && job.state === 'active')
    Object.assign(job, { state: 'waiting', holder: null, parked });
  becomeIdle(next, index);
}
