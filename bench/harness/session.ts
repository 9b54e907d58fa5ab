import { Running, type Contestant, type StartOptions } from './contestant.ts';
import { Producer, publish } from './producer.ts';
import type { Plan } from './plan.ts';
import type { Report } from './report.ts';
import { workFiles } from './workloads.ts';

/** What every figure is given. */
export interface Bench {
  redis: string;
  redisPid: number;
  work: string;
  plan: Plan;
  report: Report;
  say(text: string): void;
}

/** A contestant that runs, and its producer. */
export interface Entry {
  name: string;
  contestant: Contestant;
  running: Running;
  producer: Producer;
}

let started = 0;

/** Starts a contestant; the product gets the work as workspace modules. */
export async function enter(
  { redis, work }: Bench,
  contestant: Contestant,
  options: Pick<StartOptions, 'concurrency' | 'nodeArgs' | 'env'>,
  files: () => Record<string, string> = workFiles,
): Promise<Entry> {
  started += 1;
  const running = await Running.start(contestant, {
    ...options,
    redis,
    work,
    id: `b${String(started).padStart(3, '0')}`,
  });
  if (contestant.product) await publish(running, files());
  return { name: contestant.name, contestant, running, producer: new Producer(running) };
}

export async function leave(entries: readonly Entry[]): Promise<void> {
  for (const { running, producer } of entries) {
    await producer.close();
    await running.stop();
  }
}

/** Each in turn, `rounds` times; every round begins with another one, so that none always follows the same. */
export async function alternate<T>(
  entries: readonly T[],
  rounds: number,
  measure: (entry: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (let index = 0; index < entries.length; index += 1)
      await measure(entries[(index + round) % entries.length] as T, round);
  }
}

/** Collects values by name. */
export class Series {
  private readonly values = new Map<string, number[]>();

  push(name: string, value: number): void {
    const list = this.values.get(name);
    if (list) list.push(value);
    else this.values.set(name, [value]);
  }

  entries(): IterableIterator<[string, number[]]> {
    return this.values.entries();
  }

  addTo(report: Report, figure: string, unit: string): void {
    for (const [name, values] of this.values) report.add(figure, name, unit, values);
  }
}
