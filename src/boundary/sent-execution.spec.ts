import { describe, expect, it } from '@jest/globals';
import type { ExecuteCommand } from './runner-protocol.js';
import { addressOf, placeOf, received, type SentExecution, toSend } from './sent-execution.js';

/** No two fields have the same value, as far as their types let them differ. */
const COMMAND: ExecuteCommand = {
  type: 'execute',
  nonce: '0d5b8e0e-9a3c-4f0e-8f44-0a8f6a0f1a11',
  ref: '17',
  entry: 'file:///root/entry.js',
  modules: [{ url: 'file:///root/entry.js', format: 'module', source: 'export default 1' }],
  functionName: 'main',
  rootUrl: 'file:///root/',
  packagesDir: '/packages',
  parameters: { a: [1, '"', { __proto__x: 2 }] },
  env: { NAME: 'value' },
  scratch: '/scratch',
  keepsArtifacts: true,
  clearsScratch: false,
  pid: 4_711,
  network: 'proxy',
  withoutAddons: false,
  resultLimitBytes: 65_536,
  keep: true,
  lookEvery: 8,
  captureLocals: false,
  context: {
    executionId: 'an-execution',
    attempt: 1,
    run: 2,
    starts: 3,
    schedule: { id: 'a-schedule', dueAt: 'at some time' },
    children: { child: 1 },
    childFailures: { failed: 'why' },
    workflowId: 'a-workflow',
    name: 'a name',
    config: { config: 1 },
    startup: { startup: 1 },
    event: { event: 1 },
    extra: { extra: 1 },
    files: { 'a.txt': 'text' },
    caller: { caller: 1 },
    organization: { id: 'an-organization' },
    secrets: { KEY: 'secret' },
    traceparent: 'a-trace',
    deadline: 'another time',
  },
};

const sent = (command: ExecuteCommand): SentExecution =>
  JSON.parse(JSON.stringify(toSend(command, command.modules, placeOf(command, null)))) as SentExecution;

describe('an execution that is sent', () => {
  it('comes as what it was, whether its place comes with it or is known', () => {
    const whole = sent(COMMAND);
    expect(whole.place).not.toBeNull();
    expect(received(whole, whole.place as NonNullable<typeof whole.place>)).toEqual(COMMAND);
    const next = { ...COMMAND, ref: '18', parameters: {}, functionName: null };
    const known = placeOf(COMMAND, null);
    expect(received({ ...sent(next), place: null }, known)).toEqual(next);
  });

  it.each([
    ['rootUrl', 'file:///other/'],
    ['packagesDir', null],
    ['scratch', '/other'],
    ['keepsArtifacts', false],
    ['clearsScratch', true],
    ['pid', 1],
    ['network', 'none'],
    ['withoutAddons', true],
    ['resultLimitBytes', 1],
    ['keep', false],
    ['lookEvery', 1],
    ['captureLocals', true],
  ] as const)('has another place where %s is another', (field, value) => {
    const known = placeOf(COMMAND, null);
    expect(placeOf({ ...COMMAND, ref: '18' }, known)).toBe(known);
    const other = placeOf({ ...COMMAND, [field]: value }, known);
    expect(other).toEqual({ ...known, [field]: value });
  });

  it('has all its fields itself: none is read of what all objects inherit', () => {
    const read = sent({ ...COMMAND, functionName: null, packagesDir: null });
    const names = (object: object): string[] => Object.keys(object).toSorted();
    const fields = names({ ...COMMAND, ...read }).filter((name) => !(name in (read.place ?? {})));
    expect(names(read)).toEqual(fields);
    expect(read.context).toHaveLength(Object.keys(COMMAND.context).length);
  });

  it('says whose it is in its first characters, which no other command does', () => {
    const { nonce, ref } = COMMAND;
    expect(addressOf(JSON.stringify(sent(COMMAND)))).toEqual({ type: 'execute', nonce, ref });
    expect(addressOf(JSON.stringify({ type: 'probe', ref }))).toBeNull();
  });
});
