import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type FailureRow, FAILURES } from '../contract/failure.js';
import { PATIENCES } from '../redis/connections.js';
import {
  COMPILE_LIMITS,
  COMPILER_ENDS,
  FURTHER_RUNS,
  HAND_BACKS,
  NETWORK_REFUSALS,
  onMeasurement,
  UNRUN_REASONS,
} from '../telemetry/measurements.js';
import { Instruments } from './instruments.js';

/** Counts measurements as parts of the worker emit them. */
@Injectable()
export class MeasurementCounters implements OnModuleInit, OnApplicationShutdown {
  private stops: (() => void)[] = [];

  constructor(private readonly instruments: Instruments) {}

  onModuleInit(): void {
    const to = this.instruments;
    this.begin();
    this.stops = [
      onMeasurement('execution-ended', ({ status, code, durationMs, metrics }) => {
        to.count('executions', { status, code: code ?? '' });
        to.observeMs('duration', durationMs, { status });
        to.observeMs('queueWait', metrics.queue_ms);
        to.observeMs('prepare', metrics.prepare_ms);
        to.observeMs('runnerWait', metrics.runner_wait_ms);
        to.count('cpu', { mode: 'user' }, metrics.user_time_seconds ?? 0);
        to.count('cpu', { mode: 'system' }, metrics.system_time_seconds ?? 0);
      }),
      onMeasurement('attempt-failed', ({ code }) => to.count('attemptsFailed', { code })),
      onMeasurement('job-ended-unrun', (labels) => to.count('jobsUnrun', labels)),
      onMeasurement('run-again', (labels) => to.count('runsAgain', labels)),
      onMeasurement('ticks-missed', ({ count }) => to.count('ticksMissed', {}, count)),
      onMeasurement('job-mended', () => to.count('jobsMended')),
      onMeasurement('handed-back', ({ to: place }) => to.count('handedBack', { to: place })),
      onMeasurement('runner-booted', ({ durationMs, start }) =>
        to.observeMs('runnerBoot', durationMs, { start }),
      ),
      onMeasurement('runner-boot-failed', () => to.count('runnerBootFailures')),
      onMeasurement('compiler-ended', ({ end }) => to.count('compilersEnded', { end })),
      onMeasurement('compile-refused', ({ limit }) => to.count('compilesRefused', { limit })),
      onMeasurement('network-connection', (labels) => to.count('networkConnections', labels)),
      onMeasurement('packages-installed', ({ durationMs }) => to.observeMs('packagesInstall', durationMs)),
      onMeasurement('redis-error', ({ connection }) => to.count('redisErrors', { connection })),
      onMeasurement('redis-back', ({ connection }) => to.count('redisReconnects', { connection })),
      onMeasurement('result-retried', () => to.count('resultRetries')),
    ];
  }

  /** Every value of labels that can be known before it occurs. */
  private begin(): void {
    const to = this.instruments;
    to.begin('executions', { status: 'succeeded', code: '' });
    for (const [code, { status, retry }] of Object.entries<FailureRow>(FAILURES)) {
      to.begin('executions', { status, code });
      if (retry) to.begin('attemptsFailed', { code });
    }
    for (const mode of ['user', 'system']) to.begin('cpu', { mode });
    for (const reason of UNRUN_REASONS) to.begin('jobsUnrun', { reason });
    for (const because of FURTHER_RUNS) to.begin('runsAgain', { because });
    for (const place of HAND_BACKS) to.begin('handedBack', { to: place });
    for (const end of COMPILER_ENDS) to.begin('compilersEnded', { end });
    for (const limit of COMPILE_LIMITS) to.begin('compilesRefused', { limit });
    for (const reason of NETWORK_REFUSALS) to.begin('networkConnections', { result: 'refused', reason });
    for (const result of ['opened', 'failed']) to.begin('networkConnections', { result, reason: '' });
    for (const connection of PATIENCES) to.begin('redisErrors', { connection });
    for (const connection of PATIENCES) to.begin('redisReconnects', { connection });
  }

  onApplicationShutdown(): void {
    for (const stop of this.stops.splice(0)) stop();
  }
}
