import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'bullmq.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('.spec.ts`'))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
const named = rows.map(([, what = '']) => what).join('\n');

/** What BullMQ offers; new names come with new versions of it. */
const OPTIONS =
  'timestamp priority delay attempts backoff lifo removeOnComplete removeOnFail keepLogs stackTraceLimit sizeLimit ' +
  'jobId parent repeatJobKey prevMillis deduplication failParentOnFailure continueParentOnFailure ' +
  'ignoreDependencyOnFailure removeDependencyOnFailure telemetry repeat';
const OPERATIONS =
  'job.retry queue.retryJobs job.promote job.moveToDelayed job.remove queue.clean queue.drain queue.obliterate ' +
  'queue.pause queue.rateLimit queue.setGlobalConcurrency job.changePriority job.updateData queue.upsertJobScheduler';

describe('docs/bullmq.md', () => {
  it.each([...OPTIONS.split(' '), ...OPERATIONS.split(' ')])('has a row for %s', (name) => {
    expect(named).toContain(`\`${name}\``);
  });

  it.each(rows.map(([, what, , proof]) => [what, proof]))(
    '%s: names a test that there is',
    (_what, proof) => {
      const [, file = '', title = ''] = /^`(.+\.spec\.ts)`: (.+)$/.exec(proof ?? '') ?? [];
      expect(readFileSync(join(ROOT, 'test', 'e2e', 'jobs', file), 'utf8')).toContain(title);
    },
  );
});
