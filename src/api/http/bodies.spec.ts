import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { againRequestSchema, bulkAgainRequestSchema } from '../again/again-requests.js';
import { batchRequestSchema } from '../batches/batch-requests.js';
import { executionRequestSchema, taskRequestSchema } from '../executions/requests.js';
import { organizationRequestSchema } from '../organizations/organization-requests.js';
import { scheduleRequestSchema } from '../schedules/schedule-requests.js';
import { secretRequestSchema } from '../secrets/secret-requests.js';
import { tokenRequestSchema } from '../tokens/token-requests.js';
import {
  publishRequestSchema,
  rollbackRequestSchema,
  sourcesRequestSchema,
} from '../workspace/workspace-requests.js';
import { read } from './validation.js';

const BODIES: Readonly<Record<string, z.ZodType>> = {
  execution: executionRequestSchema,
  task: taskRequestSchema,
  batch: batchRequestSchema,
  again: againRequestSchema,
  'many again': bulkAgainRequestSchema,
  schedule: scheduleRequestSchema,
  organization: organizationRequestSchema,
  token: tokenRequestSchema,
  secret: secretRequestSchema,
  publish: publishRequestSchema,
  sources: sourcesRequestSchema,
  rollback: rollbackRequestSchema,
};

/** What is said of each field of a body. */
const saidOf = (name: string, body: unknown): Record<string, string> =>
  Object.fromEntries(
    (read(BODIES[name] as z.ZodType, body).errors ?? []).map(({ field, message }) => [field, message]),
  );

const meant = (field: string): string => `is not known; did you mean ${field}?`;
const missing = (what: string) => expect.stringMatching(`^is missing; .*${what}`);

describe('a body with fields that are missing and fields that are not known', () => {
  it.each<[string, object, Record<string, unknown>]>([
    [
      'organization',
      { rate: { executions: 0, per_second: 2 }, quotas: { executions: { most: 5 } } },
      {
        'rate.executions': 'must be a whole number from 1 to 1000000',
        'rate.per_seconds': missing('whole number from 1 to 86400'),
        'rate.per_second': meant('per_seconds'),
        'quotas.executions.limit': missing('a number'),
        'quotas.executions.most': 'is not known here; /docs lists what is',
      },
    ],
    [
      'organization',
      { weight: 'x', workflows: { report: { max_runing: 1 } }, limits: { memory: 64, network: 'all' } },
      {
        weight: 'must be a whole number from 1 to 1000',
        'workflows.report.max_running': missing('whole number'),
        'workflows.report.max_runing': meant('max_running'),
        'limits.network': expect.stringContaining('must be one of'),
        'limits.memory': meant('memory_mb'),
      },
    ],
    ['token', { nam: 'a' }, { name: missing('a string'), role: missing('one of'), nam: meant('name') }],
    ['secret', { valeu: 'x' }, { value: missing('a string'), valeu: meant('value') }],
    ['rollback', { generatoin: 1 }, { generation: missing('number'), generatoin: meant('generation') }],
    ['sources', { source: [] }, { sources: missing('an array'), source: meant('sources') }],
    ['task', { cod: '1' }, { code: missing('a string'), cod: meant('code') }],
    ['batch', { execution: [] }, { executions: missing('an array'), execution: meant('executions') }],
    [
      'many again',
      { filter: { wokflow: 'a', since: 3 } },
      {
        dry_run: missing('true or false'),
        'filter.since': expect.stringContaining('with a value'),
        'filter.wokflow': meant('workflow'),
      },
    ],
    [
      'schedule',
      { evry: 3, every: 'x', execution: { timeout: 5, attempts: 0 }, task: { cod: 'x' } },
      {
        every: 'must be a number of milliseconds',
        evry: meant('every'),
        'execution.attempts': 'must be at least 1',
        'execution.timeout': meant('timeout_seconds'),
        'execution.workflow_code': 'or file_path must be there: nothing names what to run',
        'task.code': missing('a string'),
        'task.cod': meant('code'),
      },
    ],
    [
      'execution',
      { timeout_seconds: 'x', timeout: 1, organization: {}, webhook: { ulr: 'http://a.example' } },
      {
        timeout_seconds: 'must be a number of seconds',
        timeout: meant('timeout_seconds'),
        'organization.id': missing('a string'),
        webhook: 'ulr is not known; did you mean url?',
        'webhook.url': 'or endpoint must be there, and not both',
      },
    ],
  ])('%s %j says both of each', (name, body, expected) => {
    expect(saidOf(name, body)).toEqual(expected);
  });
});

interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: Shape | boolean;
  anyOf?: Shape[];
  items?: Shape;
}

/** Paths of all fields of a body; those that users name have the name `x`. */
function pathsIn(shape: Shape, path: readonly string[] = []): (readonly string[])[] {
  const { properties = {}, additionalProperties, anyOf = [] } = shape;
  const own = Object.entries(properties).flatMap(([name, field]) => [
    [...path, name],
    ...pathsIn(field, [...path, name]),
  ]);
  const free =
    typeof additionalProperties === 'object'
      ? [[...path, 'x'], ...pathsIn(additionalProperties, [...path, 'x'])]
      : [];
  return [...own, ...free, ...anyOf.flatMap((one) => pathsIn(one, path))];
}

/** Paths of all fields of a body, each once. */
function fieldsOf(name: string): (readonly string[])[] {
  const { $defs = {}, ...shape } = z.toJSONSchema(BODIES[name] as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
  }) as Shape & { $defs?: Record<string, Shape> };
  const all = [shape, ...Object.values($defs)].flatMap((one) => pathsIn(one));
  return [...new Map(all.map((path) => [path.join('.'), path])).values()];
}

it.each(Object.keys(BODIES))('every field of the body of %s is refused in words of our own', (name) => {
  const fields = fieldsOf(name);
  expect(fields.length).toBeGreaterThan(0);
  const wrong = [3.5, -1, 1e300, 'x\n', '', 'x'.repeat(3_000), [], [3], [null], {}, { x: 3 }, null, true];
  const said = fields.flatMap((path) =>
    wrong.flatMap((value) => {
      const body = path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
      return Object.entries(saidOf(name, body)).map(([field, message]) => `${field}: ${message}`);
    }),
  );
  expect(said.filter((text) => /Invalid |Too |Unrecognized /.test(text))).toEqual([]);
});

describe('caps of workflows', () => {
  const caps = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`w${at}`, { max_running: 1 }]));

  it('are not more than the record of an organization may have', () => {
    expect(saidOf('organization', { workflows: caps(1_000) })).toEqual({});
    expect(saidOf('organization', { workflows: caps(1_001) })).toEqual({
      workflows: 'must have at most 1000 workflows',
    });
  });

  it('are an object', () => {
    expect(saidOf('organization', { workflows: 3 })).toEqual({
      workflows: 'must be an object of workflow ids',
    });
  });
});
