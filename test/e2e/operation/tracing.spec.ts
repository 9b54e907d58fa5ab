import { expect, it } from '@jest/globals';
import { useRedis } from '../../support/servers/test-redis.js';
import { type CollectedSpan, useTraceCollector } from '../../support/servers/trace-collector.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const startWorker = useWorkers('each test');
const collector = useTraceCollector();

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${CALLER_SPAN}-01`;

async function execute(
  worker: WorkerProcess,
  body: object,
  traceparent?: string,
): Promise<{ result?: unknown }> {
  const post = () =>
    fetch(`${worker.url}/executions?wait=90`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(traceparent ? { traceparent } : {}) },
      body: JSON.stringify(body),
    });
  await until(async () => (await fetch(`${worker.url}/health/ready`)).ok, { what: 'the worker is ready' });
  const answer = await post();
  const text = await answer.text();
  expect([answer.status, text]).toEqual([200, expect.anything()]);
  return JSON.parse(text) as { result?: unknown };
}

/** Names from the first span of the trace down to this one. */
function lineage(trace: CollectedSpan[], name: string): string[] {
  const names: string[] = [];
  let span = trace.find((one) => one.name === name);
  while (span) {
    names.unshift(span.name);
    const { parentSpanId } = span;
    span = trace.find(({ spanId }) => spanId === parentSpanId);
  }
  return names;
}

it('one execution over HTTP is one trace, from the request to the function of the user', async () => {
  const worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'traced',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret-of-the-collector',
    },
  });
  const code =
    'export default async (_, context) => { await new Promise((r) => setTimeout(r, 30)); return context.traceparent }';
  const { result } = await execute(worker, { workflow_code: code, function_name: 'default' }, TRACEPARENT);
  await collector.traceWith('process traced', TRACE_ID);
  await until(
    () => collector.spans.some(({ name, traceId }) => name === 'POST /executions' && traceId === TRACE_ID),
    {
      what: 'the span of the request arrives',
    },
  );
  const trace = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);

  const path = ['POST /executions', 'add traced.execute', 'process traced', 'execution'];
  expect(lineage(trace, 'call default')).toEqual([...path, 'run', 'call default']);
  expect(lineage(trace, 'load modules')).toEqual([...path, 'run', 'load modules']);
  expect(lineage(trace, 'prepare')).toEqual([...path, 'prepare']);
  expect(lineage(trace, 'checkout')).toEqual([...path, 'checkout']);
  expect(lineage(trace, 'publish')).toEqual([
    'POST /executions',
    'add traced.execute',
    'process traced',
    'publish',
  ]);
  const one = (name: string): CollectedSpan => trace.find((span) => span.name === name) as CollectedSpan;
  expect(one('POST /executions').parentSpanId).toBe(CALLER_SPAN);
  const call = one('call default');
  expect(Number(BigInt(call.endTimeUnixNano) - BigInt(call.startTimeUnixNano)) / 1e6).toBeGreaterThan(25);
  // The code goes on with the trace below the run.
  expect(result).toBe(`00-${TRACE_ID}-${one('run').spanId}-01`);
  expect(collector.headers[0]).toMatchObject({ authorization: 'Bearer secret-of-the-collector' });
});

it('reveals nothing of what users send, return or throw, neither in traces nor in logs, and makes no traces of its own', async () => {
  const worker = await startWorker({
    env: { REDIS_URL: redis.url, QUEUE_NAME: 'quiet', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
  const body = {
    workflow_code: 'export default (p) => { console.log("sesame-1"); throw new Error("sesame-2" + p.x) }',
    function_name: 'default',
    parameters: { x: 'sesame-3' },
    organization: { id: 'sesame-4' },
  };
  await execute(worker, body);
  await execute(worker, { ...body, workflow_code: 'export default (p) => "sesame-5"' });
  await until(() => collector.spans.filter(({ name }) => name === 'process quiet').length === 2, {
    what: 'both traces arrive',
  });
  const failed = collector.spans.find(({ status }) => status?.message === 'USER_ERROR');
  expect(failed).toMatchObject({ name: 'execution', status: { code: 2 } });
  const line = await until(() => worker.logs.find(({ msg }) => msg === 'execution ended'), {
    what: 'the log says how it ended',
  });
  expect(line).toMatchObject({
    executionId: expect.any(String),
    jobId: expect.any(String),
    attempt: 1,
    workerId: expect.any(String),
    runnerId: expect.stringMatching(/^[0-9a-f]{12}$/),
    code: 'USER_ERROR',
  });
  expect((await worker.stop()).code).toBe(0);
  expect(worker.output.join('\n')).not.toContain('sesame');
  expect(collector.bodies.join('\n')).not.toContain('sesame');
  const roots = collector.spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name);
  expect(new Set(roots)).toEqual(new Set(['POST /executions']));
});

it('without a collector, hands the place in the trace of the caller to the code', async () => {
  const worker = await startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: 'untraced' } });
  const body = {
    workflow_code: 'export default (_, context) => context.traceparent',
    function_name: 'default',
  };
  expect(await execute(worker, body, TRACEPARENT)).toMatchObject({ result: TRACEPARENT });
  expect(await execute(worker, body, 'nonsense')).toMatchObject({ result: null });
  expect(await execute(worker, body)).toMatchObject({ result: null });
});
