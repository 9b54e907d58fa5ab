import { describe, expect, it } from '@jest/globals';
import { EXIT } from '../output/exit.js';
import { contextOf, jobOptionsOf, moduleContextOf, type RunOptions } from './run-request.js';

const contextFor = (options: RunOptions): ReturnType<typeof contextOf> =>
  contextOf('/some/where/greet.ts', 'code', options);

const parameters = (...param: string[]): unknown => contextFor({ param }).parameters;

describe('the context of a command line', () => {
  it('is a script when neither function nor parameters are named', () => {
    expect(contextFor({})).toEqual({ workflow_code: 'code', workflow_id: 'greet.ts', parameters: {} });
  });

  it('calls the default export when there are parameters', () => {
    expect(contextFor({ param: ['a=1'] }).function_name).toBe('default');
  });

  it('calls the function that is named', () => {
    expect(contextFor({ param: ['a=1'], function: 'greet' }).function_name).toBe('greet');
    expect(contextFor({ function: 'greet' })).toMatchObject({ function_name: 'greet', parameters: {} });
  });

  it.each([
    ['a number', 'a=3', 3],
    ['a list', 'a=[1, "b"]', [1, 'b']],
    ['null', 'a=null', null],
    ['quoted text', 'a="3"', '3'],
    ['text', 'a=hello world', 'hello world'],
    ['nothing', 'a=', ''],
    ['an equals sign', 'a=b=c', 'b=c'],
    ['several lines', 'a=b\nc', 'b\nc'],
    ['a number that JavaScript would change', 'a=12345678901234567890', '12345678901234567890'],
    ['a number that is none for JSON', 'a=1e999', '1e999'],
  ])('takes %s as a parameter', (_what, argument, value) => {
    expect(parameters(argument)).toEqual({ a: value });
  });

  it('keeps every parameter, the last of one name, and odd names', () => {
    expect(parameters('a=1', 'b=2', 'a=3')).toEqual({ a: 3, b: 2 });
    expect(JSON.stringify(parameters('__proto__=1'))).toBe('{"__proto__":1}');
  });

  it.each(['lonely', '=value', ''])('refuses the parameter "%s" by name', (argument) => {
    expect(() => parameters(argument)).toThrow(
      expect.objectContaining({
        exitCode: EXIT.usage,
        message: expect.stringContaining(`--param ${argument}: `),
      }),
    );
  });

  it('takes a number of attempts, and refuses what is none', () => {
    expect(jobOptionsOf({})).toEqual({});
    expect(jobOptionsOf({ attempts: '3' })).toEqual({ attempts: 3 });
    for (const attempts of ['0', '-1', '1.5', 'many', ''])
      expect(() => jobOptionsOf({ attempts })).toThrow(`--attempts ${attempts}: must be a whole number`);
  });

  it('takes a time limit in seconds', () => {
    expect(contextFor({ timeout: '1.5' }).timeout_seconds).toBe(1.5);
  });

  it('takes a network, and refuses one that there is not', () => {
    expect(contextFor({ network: 'none' }).network).toBe('none');
    expect(() => contextFor({ network: 'most' })).toThrow('--network most: must be one of none, proxy, open');
  });

  it.each(['0', '-1', 'soon', '', 'Infinity', '5s'])('refuses the time limit "%s"', (timeout) => {
    expect(() => contextFor({ timeout })).toThrow(/--timeout .*: must be a number of seconds above 0/);
  });
});

describe('what goes with the code', () => {
  const from = { API_KEY: 'k-1', STAGE: 'test' };
  const contextWith = (options: RunOptions): ReturnType<typeof contextOf> =>
    contextOf('greet.ts', 'code', options, from);

  it('is what the options say, or the environment under a name alone', () => {
    const options: RunOptions = {
      secret: ['API_KEY', 'other=a=b'],
      env: ['STAGE', 'EMPTY='],
      tag: ['nightly', 'x'],
      organization: 'acme',
    };
    expect(contextWith(options)).toMatchObject({
      secrets: { API_KEY: 'k-1', other: 'a=b' },
      env: { STAGE: 'test', EMPTY: '' },
      tags: ['nightly', 'x'],
      organization: { id: 'acme' },
    });
  });

  it.each([
    [{ secret: ['geheim'] }, '--secret: must have the form name=value, or be the name of'],
    [{ secret: ['=geheim'] }, '--secret: must have'],
    [{ env: ['NOT_SET'] }, '--env: must have'],
  ])('refuses %j without showing a value', (options, message) => {
    expect(() => contextWith(options)).toThrow(message);
    expect(() => contextWith(options)).not.toThrow('geheim');
  });
});

describe('a published module', () => {
  it('has its default export called, or the one that is named', () => {
    expect(moduleContextOf('workflows/report.ts', { param: ['day=1'] })).toEqual({
      file_path: 'workflows/report.ts',
      function_name: 'default',
      parameters: { day: 1 },
    });
    expect(moduleContextOf('a.ts', { function: 'total' })).toMatchObject({ function_name: 'total' });
  });

  it('takes no folder of this disk', () => {
    expect(() => moduleContextOf('a.ts', { workspace: '.' })).toThrow('--workspace:');
  });
});
