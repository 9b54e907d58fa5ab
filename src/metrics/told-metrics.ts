import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { hear } from '../telemetry/measurements.js';
import { Instruments } from './instruments.js';

/** Counts what the parts of the worker tell as it happens. */
@Injectable()
export class ToldMetrics implements OnModuleInit, OnApplicationShutdown {
  private stops: (() => void)[] = [];

  constructor(private readonly instruments: Instruments) {}

  onModuleInit(): void {
    const to = this.instruments;
    this.stops = [
      hear('execution-ended', ({ status, code, durationMs, metrics }) => {
        to.count('executions', { status, code: code ?? '' });
        to.observeMs('duration', durationMs, { status });
        to.observeMs('queueWait', metrics.queue_ms);
        to.observeMs('prepare', metrics.prepare_ms);
        to.observeMs('runnerWait', metrics.runner_wait_ms);
        to.count('cpu', { mode: 'user' }, metrics.user_time_seconds ?? 0);
        to.count('cpu', { mode: 'system' }, metrics.system_time_seconds ?? 0);
      }),
      hear('attempt-failed', ({ code }) => to.count('attemptsFailed', { code })),
      hear('job-ended-unrun', (labels) => to.count('jobsUnrun', labels)),
      hear('run-again', (labels) => to.count('runsAgain', labels)),
      hear('ticks-missed', ({ count }) => to.count('ticksMissed', {}, count)),
      hear('job-mended', () => to.count('jobsMended')),
      hear('handed-back', ({ to: place }) => to.count('handedBack', { to: place })),
      hear('runner-booted', ({ durationMs }) => to.observeMs('runnerBoot', durationMs)),
      hear('runner-boot-failed', () => to.count('runnerBootFailures')),
      hear('compiler-ended', ({ end }) => to.count('compilersEnded', { end })),
      hear('compile-refused', ({ limit }) => to.count('compilesRefused', { limit })),
      hear('network-connection', (labels) => to.count('networkConnections', labels)),
      hear('packages-installed', ({ durationMs }) => to.observeMs('packagesInstall', durationMs)),
      hear('redis-error', ({ connection }) => to.count('redisErrors', { connection })),
      hear('redis-back', ({ connection }) => to.count('redisReconnects', { connection })),
      hear('result-retried', () => to.count('resultRetries')),
    ];
  }

  onApplicationShutdown(): void {
    for (const stop of this.stops.splice(0)) stop();
  }
}
