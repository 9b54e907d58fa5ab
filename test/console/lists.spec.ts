import { describe, expect, it } from '@jest/globals';
import { DraftError } from '../../console/src/state/draft-fields.js';
import { applied, type ListState, merged, PAGE } from '../../console/src/state/list-rows.js';
import * as organization from '../../console/src/state/organization-draft.js';
import { draftOf, requestOf } from '../../console/src/state/schedule-draft.js';
import { bytes } from '../../console/src/text/format.js';
import type { Organization } from '../../console/src/api/tenants.js';
import type { Change } from '../../src/contract/api/changes.js';
import type { ListedExecution, Listing } from '../../src/contract/api/listing.js';
import type { Schedule } from '../../src/contract/api/schedules.js';

const ended = (n: number): ListedExecution =>
  ({
    execution_id: `e${n}`,
    run: 1,
    status: 'succeeded',
    finished_at: '2026-05-01T00:00:00.000Z',
  }) as ListedExecution;
const queued = (n: number): ListedExecution =>
  ({ execution_id: `q${n}`, status: 'queued' }) as ListedExecution;
const running = (n: number): ListedExecution =>
  ({ execution_id: `q${n}`, status: 'running' }) as ListedExecution;
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);
const stateOf = (rows: ListedExecution[]): ListState => ({
  question: 'a',
  rows,
  cursor: 'old',
  historyAway: null,
});
const pageOf = (executions: ListedExecution[], cursor: string | null = 'new'): Listing => ({
  executions,
  next_cursor: cursor,
  history_away: null,
});
const idsOf = ({ rows = [] }: ListState): string[] => rows.map(({ execution_id: id }) => id);

describe('a list whose first page is read again', () => {
  it('has what was paged to before below it, each once, and goes on there', () => {
    const before = stateOf(range(0, 500).map(ended));
    const after = merged(before, 'a', pageOf(range(-20, 80).map(ended)));
    expect(idsOf(after)).toEqual(range(-20, 500).map((n) => `e${n}`));
    expect(after.cursor).toBe('old');
  });

  it('has nothing below it where more came meanwhile than a page has, or another question was asked', () => {
    const before = stateOf(range(0, 500).map(ended));
    const fresh = pageOf(range(-200, -100).map(ended));
    expect(idsOf(merged(before, 'a', fresh))).toHaveLength(PAGE);
    expect(merged(before, 'a', fresh).cursor).toBe('new');
    expect(idsOf(merged(before, 'b', pageOf(range(0, 100).map(ended))))).toHaveLength(PAGE);
  });

  it('has no row of what is open no more, and keeps those of pages of open ones', () => {
    const open = stateOf([...range(0, 150).map(queued), ...range(0, 100).map(ended)]);
    const mixed = pageOf([...range(0, 30).map(running), ...range(0, 70).map(ended)]);
    expect(idsOf(merged(open, 'a', mixed)).filter((id) => id.startsWith('q'))).toHaveLength(30);
    const onlyOpen = pageOf(range(50, 150).map(queued));
    expect(idsOf(merged(open, 'a', onlyOpen)).filter((id) => id.startsWith('q'))).toEqual(
      range(50, 150).map((n) => `q${n}`),
    );
  });
});

describe('changes', () => {
  const change = (type: Change['type'], n: number, more: object = {}): Change =>
    ({ type, execution_id: `q${n}`, id: '1-0', at: '2026-05-01T00:00:00.000Z', ...more }) as Change;

  it('are put into the rows that they are about, and leave the others as they are', () => {
    const rows = [queued(1), running(2), ended(3)];
    const next = applied(rows, [
      change('running', 1),
      change('progress', 2, { progress: { fraction: 0.5, message: null } }),
      change('running', 99),
    ]);
    expect(next).toMatchObject([
      { status: 'running', started_at: '2026-05-01T00:00:00.000Z' },
      { progress: { fraction: 0.5 } },
      { status: 'succeeded' },
    ]);
    expect(next[2]).toBe(rows[2]);
  });

  it('of nothing that is listed leave a list of 100,000 rows the same', () => {
    const rows = range(0, 100_000).map(ended);
    expect(applied(rows, [change('ended', 1), change('running', 2), change('queued', 3)])).toBe(rows);
  });
});

describe('the form of a schedule', () => {
  const SCHEDULE = {
    id: 'nightly',
    cron: null,
    tz: null,
    every: 5_400_000,
    start: null,
    end: '2030-01-01T00:00:00.000Z',
    overlap: 'queue',
    missed: 'all',
    webhook: { endpoint: 'crm' },
    execution: {
      file_path: 'a.ts',
      parameters: { n: 1 },
      secrets: { KEY: '[redacted]' },
      tags: ['x'],
      organization: { id: 'acme' },
      ttl: 60,
      attempts: 3,
    },
    task: null,
  } as unknown as Schedule;

  it('gives back what it was made of, with what it has no field for, and the secrets that are given', () => {
    const draft = draftOf(SCHEDULE);
    expect(draft).toMatchObject({
      by: 'every',
      every: '90',
      unit: 'minutes',
      runs: 'module',
      secrets: { KEY: '' },
    });
    expect(requestOf({ ...draft, secrets: { KEY: 'again' } }, SCHEDULE)).toEqual({
      every: 5_400_000,
      start: null,
      end: '2030-01-01T00:00:00.000Z',
      overlap: 'queue',
      missed: 'all',
      webhook: { endpoint: 'crm' },
      execution: { ...SCHEDULE.execution, secrets: { KEY: 'again' } },
    });
  });

  it.each([
    ['an address', { webhook: 'https://example.com/hooks' }],
    ['a receiver of operators', { webhook: '' }],
  ])('drops %s that was to hear of the end when the end is taken out', (_what, changes) => {
    const draft = { ...draftOf(SCHEDULE), ...changes, end: '' };
    expect(requestOf(draft, SCHEDULE)).toMatchObject({ end: null, webhook: null });
  });

  it('makes a new one of code or of a module', () => {
    const draft = { ...draftOf(undefined), id: 'new', tz: 'UTC' };
    expect(requestOf({ ...draft, filePath: ' a.ts ' }, undefined)).toMatchObject({
      cron: '0 2 * * *',
      tz: 'UTC',
      end: null,
      execution: { file_path: 'a.ts', function_name: 'default', parameters: {} },
    });
    const { execution } = requestOf({ ...draft, runs: 'code', code: '1', functionName: '' }, undefined);
    expect(execution).toEqual({ workflow_code: '1', parameters: {} });
  });

  it.each([
    ['parameters', { parameters: '{' }, 'The parameters are not JSON'],
    ['a period', { by: 'every', every: 'often' } as const, 'Every must be a number'],
    ['a time limit', { timeout: 'long' }, 'The time limit must be a number'],
  ])('says what is wrong with %s', (_what, changes, message) => {
    expect(() => requestOf({ ...draftOf(undefined), ...changes }, undefined)).toThrow(DraftError);
    expect(() => requestOf({ ...draftOf(undefined), ...changes }, undefined)).toThrow(message);
  });
});

describe('the form of an organization', () => {
  const FORMER = {
    id: 'acme',
    weight: 3,
    max_running: 6,
    rate: { executions: 5, per_seconds: 60 },
    workflows: { report: { max_running: 1 } },
    quotas: { cpu_seconds: { limit: 20, action: 'slow' } },
    limits: { timeout_seconds: 30 },
  } as unknown as Organization;

  it('gives back what it was made of, with what it has no field for', () => {
    const { id: _, ...body } = FORMER;
    expect(organization.requestOf(organization.draftOf(FORMER), FORMER)).toEqual(body);
  });

  it.each([
    ['the share', { weight: 'much' }, 'The share must be a number'],
    ['the cap', { maxRunning: '6x' }, 'How many run at once must be a number'],
    ['the rate', { rate: 'few' }, 'How many start must be a number'],
    ['its seconds', { perSeconds: '' }, 'The seconds of the rate must be a number'],
  ])('refuses text in place of %s', (_what, changes, message) => {
    const draft = { ...organization.draftOf(FORMER), ...changes };
    expect(() => organization.requestOf(draft, FORMER)).toThrow(new DraftError(message));
  });

  it('refuses text in place of a quota', () => {
    const draft = organization.draftOf(FORMER);
    const quotas = { ...draft.quotas, cpu_seconds: { limit: '20s', action: 'slow' as const } };
    expect(() => organization.requestOf({ ...draft, quotas }, FORMER)).toThrow(
      new DraftError('CPU seconds a day must be a number'),
    );
  });
});

describe('sizes', () => {
  it.each([
    [12, '12 B'],
    [1_234, '1.2 KB'],
    [56_700_000, '57 MB'],
    [2_100_000_000, '2.1 GB'],
  ])('%d bytes are %s', (value, text) => expect(bytes(value)).toBe(text));
});
