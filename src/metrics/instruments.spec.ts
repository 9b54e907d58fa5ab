import { describe, expect, it } from '@jest/globals';
import { emitMeasurement } from '../telemetry/measurements.js';
import { Instruments } from './instruments.js';
import { METRICS } from './metric-table.js';
import { MeasurementCounters } from './measurement-counters.js';

describe('the instruments', () => {
  it('hold every metric of the table', async () => {
    const text = await new Instruments().render();
    for (const { name, type, help } of Object.values(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
  });

  it('keep apart what two applications of a process measure', async () => {
    const [one, other] = [new Instruments(), new Instruments()];
    one.count('resultRetries');
    expect(await one.render()).toContain('bifrost_result_delivery_retries_total 1');
    expect(await other.render()).toContain('bifrost_result_delivery_retries_total 0');
  });

  it('count each length of time once, whenever they are asked', async () => {
    const instruments = new Instruments();
    const name = 'bifrost_execution_queue_seconds';
    for (const already of [0, 300, 600]) {
      expect(await instruments.render()).toContain(`${name}_count ${already}\n`);
      for (let n = 0; n < 300; n += 1) instruments.observeMs('queueWait', 500);
    }
    instruments.observeMs('queueWait', null);
    instruments.observeMs('queueWait', Number.NaN);
    const text = await instruments.render();
    expect(text).toContain(`${name}_count 900\n`);
    expect(text).toContain(`${name}_sum 450\n`);
  });

  it('answer although what is to be asked does not', async () => {
    const instruments = new Instruments();
    instruments.onCollect(() => Promise.reject(new Error('Redis is away')));
    instruments.onCollect(() => instruments.set('concurrency', 3));
    expect(await instruments.render()).toContain('bifrost_concurrency 3');
  });
});

describe('emitted measurements', () => {
  it('are counted from zero: the first failure of a kind is a rise, to Prometheus', async () => {
    const instruments = new Instruments();
    const counters = new MeasurementCounters(instruments);
    counters.onModuleInit();
    counters.onApplicationShutdown();
    const text = await instruments.render();
    const names = Object.values(METRICS).filter(({ type }) => type === 'counter');
    // A line of its own, beside those that say what it is.
    expect(names.filter(({ name }) => !new RegExp(`^${name}[{ ].*0$`, 'm').test(text))).toEqual([]);
    expect(text).toContain('bifrost_executions_total{status="failed",code="INTERNAL"} 0');
    expect(text).toContain('bifrost_jobs_handed_back_total{to="front"} 0');
    expect(text).toContain('bifrost_redis_errors_total{connection="patient"} 0');
  });

  it('becomes counts and lengths of time, in seconds', async () => {
    const instruments = new Instruments();
    const counters = new MeasurementCounters(instruments);
    counters.onModuleInit();
    const metrics = { queue_ms: 40, prepare_ms: null, user_time_seconds: 0.5 };
    emitMeasurement('execution-ended', { status: 'failed', code: 'USER_ERROR', durationMs: 300, metrics });
    emitMeasurement('execution-ended', { status: 'succeeded', code: null, durationMs: 300, metrics: {} });
    counters.onApplicationShutdown();
    emitMeasurement('execution-ended', { status: 'succeeded', code: null, durationMs: 300, metrics: {} });
    const text = await instruments.render();
    expect(text).toContain('bifrost_executions_total{status="failed",code="USER_ERROR"} 1');
    expect(text).toContain('bifrost_executions_total{status="succeeded",code=""} 1');
    expect(text).toContain('bifrost_execution_duration_seconds_sum{status="failed"} 0.3');
    expect(text).toContain('bifrost_execution_queue_seconds_bucket{le="0.05"} 1');
    expect(text).toContain('bifrost_execution_prepare_seconds_count 0');
    expect(text).toContain('bifrost_execution_cpu_seconds_total{mode="user"} 0.5');
  });
});
