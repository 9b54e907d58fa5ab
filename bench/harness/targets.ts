import {
  BARE_RESULTS,
  CHILDREN,
  CHILDREN_RESULTS,
  type NamedContestant,
  REUSED,
  SINGLE_USE,
  SPAWN,
  THREAD,
  THREADS_PLAIN,
  THREADS_RESULTS,
} from './contestants.ts';
import * as figures from '../figures/names.ts';
import type { Report } from './report.ts';
import type { Sample } from './statistics.ts';

/** A promise about speed, and what this run says of it. */
export interface TargetResult {
  name: string;
  atLeast: boolean;
  wanted: number;
  ratio: Sample | undefined;
}

/** The targets of the project, each as a ratio or an amount measured in this run. */
export function checkTargets(report: Report): TargetResult[] {
  const throughput = figures.throughput('noop', 8);
  const ratio = (own: NamedContestant, other: NamedContestant, wanted: number): TargetResult => ({
    name: `throughput, ${own.name} / ${other.name}`,
    atLeast: true,
    wanted,
    ratio: report.ratio(throughput, own.name, other.name),
  });
  const latency = (other: NamedContestant, wanted: number): TargetResult => ({
    name: `latency p50, ${SINGLE_USE.name} / ${other.name}`,
    atLeast: false,
    wanted,
    ratio: report.ratio(figures.latency(50), SINGLE_USE.name, other.name),
  });
  return [
    ratio(REUSED, CHILDREN_RESULTS, 1.2),
    ratio(REUSED, CHILDREN, 0.9),
    ratio(REUSED, BARE_RESULTS, 0.5),
    ratio(THREAD, THREADS_RESULTS, 1.2),
    ratio(THREAD, THREADS_PLAIN, 0.9),
    ratio(THREAD, BARE_RESULTS, 0.5),
    ratio(SINGLE_USE, { name: figures.PLAIN_SPAWN }, 0.95),
    latency(SPAWN, 0.35),
    latency(CHILDREN_RESULTS, 2),
    {
      name: `PSS of an idle runner, MB, ${SINGLE_USE.name}`,
      atLeast: false,
      wanted: 15,
      ratio: report.find(figures.IDLE_PSS, SINGLE_USE.name),
    },
    {
      name: "Redis commands per execution beyond BullMQ's own",
      atLeast: false,
      wanted: 6,
      ratio: report.find(figures.COMMANDS_BEYOND, REUSED.name),
    },
    {
      name: 'throughput at 100,000 queued / at 1,000',
      atLeast: true,
      wanted: 0.9,
      ratio: report.ratio(figures.BACKLOG, figures.queued(100_000), figures.queued(1_000)),
    },
  ];
}
