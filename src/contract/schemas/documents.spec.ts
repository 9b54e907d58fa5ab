import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aFailure, aResult, anUnrunFailure } from '../../../test/support/results.js';
import { endUpdate, startUpdate, toWaitedResult } from '../clients/engine.js';
import { toTaskResult, toTextTaskResult } from '../clients/task-result.js';
import { DOCUMENT_NAMES, type DocumentName, jsonSchemaOf, schemaFile } from './documents.js';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'schemas');
const ajv = new Ajv2020({ strict: false, allErrors: true });
const validators = new Map(DOCUMENT_NAMES.map((name) => [name, ajv.compile(jsonSchemaOf(name))]));
const valid = (name: DocumentName, document: unknown): boolean => validators.get(name)?.(document) === true;

it('every document has a published schema that is current; "npm run docs" writes them', () => {
  const files = [...DOCUMENT_NAMES, 'openapi'].map((name) => `${name}.json`);
  expect(readdirSync(FOLDER).toSorted()).toEqual(files.toSorted());
  for (const name of DOCUMENT_NAMES)
    expect(readFileSync(join(FOLDER, `${name}.json`), 'utf8')).toBe(schemaFile(name));
});

describe('the schemas', () => {
  it.each<[DocumentName, unknown]>([
    ['execution-job', { execution_id: 'e-1' }],
    ['task-job', { taskId: 't', code: '1', timeout: null }],
    ['execution-context', { workflow_code: '1', odd: true, code: null }],
    ['execution-result', aResult()],
    ['execution-result', anUnrunFailure()],
    ['task-result', toTaskResult(aFailure())],
    ['task-result', toTextTaskResult(aResult())],
    ['task-result', toTaskResult(anUnrunFailure())],
    ['waited-result', toWaitedResult(aResult())],
    ['execution-update', startUpdate('e-1')],
    ['execution-update', endUpdate(aFailure())],
    ['cancel-message', { execution_id: 'e-1' }],
    ['control-message', { command: 'pause', request_id: 'r' }],
    ['pool-command', { action: 'recycle_process', pid: 7, reason: 'asked' }],
    ['stored-module', { content: '', path: 'a.ts', hash: 'x' }],
    ['package-manifest', { content: 'lodash', hash: '' }],
  ])('%s takes what is written (%#)', (name, document) => {
    expect(valid(name, document)).toBe(true);
  });

  it.each<[DocumentName, unknown]>([
    ['execution-job', {}],
    ['execution-job', { execution_id: 'a b' }],
    ['task-job', { taskId: 't' }],
    ['execution-result', { ...aResult(), status: 'done' }],
    ['task-result', { ...toTaskResult(aResult()), executionTimeMs: undefined }],
    ['task-result', { ...toTaskResult(aResult()), result: 4 }],
    ['waited-result', { status: 'Success' }],
    ['pool-command', { action: 'recycle_process' }],
  ])('%s refuses what is wrong (%#)', (name, document) => {
    expect(valid(name, JSON.parse(JSON.stringify(document)))).toBe(false);
  });
});
