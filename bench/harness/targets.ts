import {
  BARE_RESULTS,
  CHILDREN,
  CHILDREN_RESULTS,
  type NamedContestant,
  REUSED,
  REUSED_STARTED,
  SINGLE_USE,
  SINGLE_USE_DEFAULT,
  SPAWN,
  THREAD,
  THREADS_PLAIN,
  THREADS_RESULTS,
} from './contestants.ts';
import * as figures from '../figures/names.ts';
import type { Report } from './report.ts';
import { pairedRatio, type Sample } from './statistics.ts';

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
  const latency = (own: NamedContestant, other: NamedContestant, wanted: number): TargetResult => ({
    name: `latency p50, ${own.name} / ${other.name}`,
    atLeast: false,
    wanted,
    ratio: report.ratio(figures.latency(50), own.name, other.name),
  });
  const cost = (figure: string, own: NamedContestant, other: NamedContestant): TargetResult => ({
    name: `${figure}, ${own.name} / ${other.name}`,
    atLeast: false,
    wanted: 1,
    ratio: report.ratio(figure, own.name, other.name),
  });
  return [
    cost(figures.cpu(8), REUSED, CHILDREN_RESULTS),
    cost(figures.cpuWithRedis(8), REUSED, CHILDREN_RESULTS),
    cost(figures.cpu(8), REUSED_STARTED, CHILDREN_RESULTS),
    cost(figures.cpuWithRedis(8), REUSED_STARTED, CHILDREN_RESULTS),
    cost(figures.cpu(8), THREAD, THREADS_RESULTS),
    cost(figures.cpuWithRedis(8), THREAD, THREADS_RESULTS),
    ...[SINGLE_USE, SINGLE_USE_DEFAULT].map(({ name }) => ({
      name: `CPU, ${name}, the worker process alone / ${CHILDREN_RESULTS.name}, all of it`,
      atLeast: false,
      wanted: 1,
      ratio: shareOf(
        report.find(figures.cpuOfProcess(8), name),
        report.find(figures.cpu(8), CHILDREN_RESULTS.name),
      ),
    })),
    ratio(REUSED, CHILDREN_RESULTS, 1),
    ratio(REUSED, CHILDREN, 0.9),
    ratio(REUSED, BARE_RESULTS, 0.5),
    ratio(THREAD, THREADS_RESULTS, 1),
    ratio(THREAD, THREADS_PLAIN, 0.9),
    ratio(THREAD, BARE_RESULTS, 0.5),
    ratio(SINGLE_USE, { name: figures.PLAIN_SPAWN }, 0.95),
    ratio(SINGLE_USE_DEFAULT, { name: figures.PLAIN_SPAWN }, 3),
    latency(REUSED, CHILDREN_RESULTS, 1.3),
    latency(SINGLE_USE, SPAWN, 0.35),
    latency(SINGLE_USE, CHILDREN_RESULTS, 2),
    latency(SINGLE_USE_DEFAULT, SPAWN, 0.15),
    latency(SINGLE_USE_DEFAULT, REUSED, 1.5),
    ...[SINGLE_USE, SINGLE_USE_DEFAULT].map(({ name }) => ({
      name: `PSS of an idle runner, MB, ${name}`,
      atLeast: false,
      wanted: 15,
      ratio: report.find(figures.IDLE_PSS, name),
    })),
    {
      name: `Redis commands per execution, ${REUSED.name}`,
      atLeast: false,
      wanted: 2,
      ratio: report.find(figures.COMMANDS_SENT, REUSED.name),
    },
    {
      name: 'throughput at 100,000 queued / at 1,000',
      atLeast: true,
      wanted: 0.9,
      ratio: report.ratio(figures.BACKLOG, figures.queued(100_000), figures.queued(1_000)),
    },
  ];
}

const shareOf = (own: Sample | undefined, other: Sample | undefined): Sample | undefined =>
  own && other && pairedRatio(own, other);
