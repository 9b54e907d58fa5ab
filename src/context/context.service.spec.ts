import { describe, expect, it } from '@jest/globals';
import { parseSettings } from '../config/settings.js';
import { NO_DETAILS } from '../contract/execution.js';
import { type OrganizationLimits, unsetOrganization } from '../contract/organization.js';
import { Refusal } from '../contract/jobs/refusal.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import type { OrganizationDirectory } from '../tenants/organizations/organization-directory.js';
import type { SecretReader } from '../tenants/secrets/secret-reader.js';
import { ContextService } from './context.service.js';
import { executionSettings } from '../config/slices.js';

const settings = parseSettings({
  DEFAULT_TIMEOUT_SECONDS: '30',
  MAX_TIMEOUT_SECONDS: '60',
  CODE_LIMIT_BYTES: '1024',
  KEY_PREFIX: 'acme:',
});

/** What organizations have, of the tests here. */
interface Tenants {
  limits: OrganizationLimits;
  stored: Record<string, string>;
}

/** The service over a Redis that holds one document for the execution `e-1`. */
const serviceWith = (document: unknown, used = settings, tenants: Partial<Tenants> = {}): ContextService => {
  const text = typeof document === 'string' || document === null ? document : JSON.stringify(document);
  const redis = {
    get: (key: string) => Promise.resolve(key === 'acme:bifrost:exec:e-1:context' ? text : null),
  };
  return new ContextService(
    redis as unknown as RedisClient,
    new RedisKeys('acme:'),
    executionSettings.of(used),
    {
      find: (id: string) => Promise.resolve({ ...unsetOrganization(id), limits: tenants.limits ?? {} }),
    } as unknown as OrganizationDirectory,
    {
      read: (organization: string, names: readonly string[]) =>
        Promise.resolve(
          Object.fromEntries(
            names.map((name) => [name, tenants.stored?.[name] ?? `${name} of ${organization}`]),
          ),
        ),
    } as unknown as SecretReader,
  );
};

const refusalOf = async (act: () => unknown): Promise<Refusal> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

const INLINE = { workflow_code: 'export default () => 1' };

describe('load', () => {
  it('fills in what the producer left out', async () => {
    expect(await serviceWith(INLINE).load('e-1')).toEqual({
      id: 'e-1',
      source: { kind: 'inline', code: INLINE.workflow_code, functionName: null },
      parameters: {},
      env: {},
      files: {},
      secrets: {},
      caller: null,
      organization: null,
      workflowId: null,
      details: NO_DETAILS,
      sync: false,
      turn: {},
      tags: [],
      timeoutMs: 30_000,
      network: 'none',
      captureLocals: false,
      wantedGeneration: null,
    });
  });

  it('takes null as left out', async () => {
    const nulls = { file_path: null, parameters: null, caller: null, env: null, timeout_seconds: null };
    const load = (context: object) => serviceWith(context).load('e-1');
    expect(await load({ ...INLINE, ...nulls })).toEqual(await load(INLINE));
  });

  it('hands on everything that the producer wrote', async () => {
    const context = {
      file_path: 'workflows/greet.ts',
      function_name: 'greet',
      workspace_generation: 7,
      workflow_id: 'wf',
      parameters: { name: 'Ada', deep: [{ n: 1 }] },
      caller: { user_id: 'u', email: 'u@example.org', name: 'U', extra: 1 },
      organization: { id: 'o', name: 'O' },
      timeout_seconds: 0.25,
      env: { A: '1' },
      files: { 'names.csv': 'Ada\n' },
      secrets: { KEY: 'geheim' },
      tags: ['nightly'],
    };
    expect(await serviceWith(context).load('e-1')).toEqual({
      id: 'e-1',
      source: { kind: 'module', path: 'workflows/greet.ts', functionName: 'greet' },
      parameters: context.parameters,
      env: context.env,
      files: context.files,
      secrets: context.secrets,
      caller: context.caller,
      organization: context.organization,
      workflowId: 'wf',
      details: NO_DETAILS,
      sync: false,
      turn: {},
      tags: ['nightly'],
      timeoutMs: 250,
      network: 'none',
      captureLocals: false,
      wantedGeneration: 7,
    });
  });

  it('has inline code run under the name that stands beside it', async () => {
    const { source } = await serviceWith({ ...INLINE, file_path: 'jobs/a.ts' }).load('e-1');
    expect(source).toEqual({
      kind: 'inline',
      code: INLINE.workflow_code,
      functionName: null,
      path: 'jobs/a.ts',
    });
  });

  it('refuses a context whose secrets were removed at an earlier end', async () => {
    const service = serviceWith({ ...INLINE, secrets: { KEY: '[redacted]' } });
    expect(await refusalOf(() => service.load('e-1'))).toMatchObject({
      code: 'INVALID_JOB',
      field: 'secrets',
    });
  });

  it.each<[string, unknown, string]>([
    ['a list', '[]', 'The execution context must be a JSON object'],
    ['null', 'null', 'The execution context must be a JSON object'],
    ['NaN', '{"parameters":{"n":NaN}}', 'The execution context is not JSON: unexpected "N" (NaN is no JSON)'],
    ['a caller', { ...INLINE, caller: 'me' }, 'caller: must be an object'],
    ['an organization', { ...INLINE, organization: 'acme' }, 'organization: must be an object'],
    ['tags', { ...INLINE, tags: 'a' }, 'tags: must be a list of strings'],
    ['secrets', { ...INLINE, secrets: 'a' }, 'secrets: must be an object'],
  ])('says in plain words what is wrong with %s', async (_, document, words) => {
    const { message } = await refusalOf(() => serviceWith(document).load('e-1'));
    expect(message).toContain(words);
  });

  it('calls the default export of a module by default', async () => {
    const { source } = await serviceWith({ file_path: 'a.ts' }).load('e-1');
    expect(source).toEqual({ kind: 'module', path: 'a.ts', functionName: 'default' });
  });

  it('says under which key it found nothing', async () => {
    const refusal = await refusalOf(() => serviceWith(null).load('e-1'));
    expect(refusal.code).toBe('CONTEXT_NOT_FOUND');
    expect(refusal.message).toContain('acme:bifrost:exec:e-1:context');
  });

  it.each<[string, unknown, string]>([
    ['text that is not JSON', '{"workflow_code":', 'context'],
    ['something else than an object', '[]', 'context'],
    ['nothing to run', {}, 'workflow_code'],
    ['code that is no text', { workflow_code: 1 }, 'workflow_code'],
    ['a function name that is none', { ...INLINE, function_name: 'a-b' }, 'function_name'],
    ['parameters that are no object', { ...INLINE, parameters: [1] }, 'parameters'],
    ['an environment with numbers', { ...INLINE, env: { A: 1 } }, 'env'],
    ['an organization without id', { ...INLINE, organization: { name: 'O' } }, 'organization'],
    ['a generation of 0', { ...INLINE, workspace_generation: 0 }, 'workspace_generation'],
    ['half a generation', { ...INLINE, workspace_generation: 1.5 }, 'workspace_generation'],
    ['a time limit of 0', { ...INLINE, timeout_seconds: 0 }, 'timeout_seconds'],
    ['a time limit that is text', { ...INLINE, timeout_seconds: '5' }, 'timeout_seconds'],
    ['a time limit above the longest', { ...INLINE, timeout_seconds: 61 }, 'timeout_seconds'],
    ['a network that there is not', { ...INLINE, network: 'most' }, 'network'],
    ['more network than the worker has', { ...INLINE, network: 'proxy' }, 'network'],
    ['too much code', { workflow_code: 'x'.repeat(1025) }, 'workflow_code'],
  ])('refuses %s and names the field', async (_, document, field) => {
    const refusal = await refusalOf(() => serviceWith(document).load('e-1'));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field });
    expect(refusal.message).toContain(field);
  });

  it.each([
    ['none', undefined, 'none'],
    ['proxy', undefined, 'proxy'],
    ['proxy', null, 'proxy'],
    ['proxy', 'none', 'none'],
    ['proxy', 'open', null],
    ['open', 'proxy', 'proxy'],
    ['open', 'open', 'open'],
  ])('on a worker with network %s an execution that asks for %s gets %s', async (NETWORK, network, given) => {
    const load = () => serviceWith({ ...INLINE, network }, parseSettings({ NETWORK })).load('e-1');
    if (given !== null) return expect(await load()).toMatchObject({ network: given });
    const { message } = await refusalOf(load);
    expect(message).toBe('network is open; the most that this worker has is proxy (NETWORK)');
  });

  it('cannot take the network from one of several threads', async () => {
    const threads = parseSettings({ RUNNER: 'thread', TRUSTED_CODE: 'true' });
    const refusal = await refusalOf(() => serviceWith({ ...INLINE, network: 'none' }, threads).load('e-1'));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'network' });
    expect(await serviceWith(INLINE, threads).load('e-1')).toMatchObject({ network: 'open' });
  });

  it('never repeats a secret', async () => {
    const context = {
      ...INLINE,
      secrets: { KEY: 'geheim' },
      timeout_seconds: -1,
      env: { A: { b: 'geheim' } },
    };
    const { message } = await refusalOf(() => serviceWith(context).load('e-1'));
    expect(message).toContain('timeout_seconds');
    expect(message).not.toContain('geheim');
  });
});

describe('fromTask', () => {
  const service = serviceWith(null);

  it('makes a script of the code', () => {
    expect(service.fromTask({ taskId: 't-1', code: 'console.log(1)', timeout: 5 })).toEqual({
      id: 't-1',
      source: { kind: 'inline', code: 'console.log(1)', functionName: null },
      parameters: {},
      env: {},
      files: {},
      secrets: {},
      caller: null,
      organization: null,
      workflowId: null,
      details: NO_DETAILS,
      sync: false,
      turn: {},
      tags: [],
      timeoutMs: 5_000,
      network: 'none',
      captureLocals: false,
      wantedGeneration: null,
    });
  });

  it('has the default time limit and takes the longest', () => {
    expect(service.fromTask({ taskId: 't-1', code: '' }).timeoutMs).toBe(30_000);
    expect(service.fromTask({ taskId: 't-1', code: '', timeout: 60 }).timeoutMs).toBe(60_000);
  });

  it('counts the bytes of the code, not its characters', async () => {
    expect(service.fromTask({ taskId: 't-1', code: 'é'.repeat(512) }).source.kind).toBe('inline');
    const refusal = await refusalOf(() => service.fromTask({ taskId: 't-1', code: 'é'.repeat(513) }));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'code' });
    expect(refusal.message).toContain('1026 bytes; the limit is 1024 (CODE_LIMIT_BYTES)');
  });

  it('refuses more network than the worker has', async () => {
    const refusal = await refusalOf(() => service.fromTask({ taskId: 't-1', code: '', network: 'open' }));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'network' });
  });

  it('refuses a time limit above the longest', async () => {
    const refusal = await refusalOf(() => service.fromTask({ taskId: 't-1', code: '', timeout: 61 }));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'timeout' });
  });
});

describe('what another system writes', () => {
  const ENGINE = {
    execution_id: 'e-1',
    workflow_id: 'wf-7',
    name: 'Nightly report',
    function_name: 'report',
    code: null,
    file_path: 'workflows/report.ts',
    parameters: { day: 3 },
    caller: { user_id: 'u', email: 'u@example.com', name: 'U' },
    organization: { id: 'o', name: 'O', is_active: true, is_provider: false },
    tags: ['workflow'],
    timeout_seconds: 20,
    cache_ttl_seconds: 300,
    transient: false,
    is_platform_admin: true,
    startup: { opened: 'ticket' },
    roi: { time_saved: 0, value: 0 },
    content_hash: null,
    event: { type: 'webhook' },
    config: { region: 'eu' },
    sync: true,
    engine_token: 'token-of-the-engine',
  };
  const load = (changes: object, used = settings) => serviceWith({ ...ENGINE, ...changes }, used).load('e-1');

  it('is read whole: what is not known goes to extra, a token to the secrets', async () => {
    const { details, secrets, sync, organization, source } = await load({});
    expect(source).toEqual({ kind: 'module', path: 'workflows/report.ts', functionName: 'report' });
    expect(organization).toEqual({ id: 'o', name: 'O', is_active: true, is_provider: false });
    expect([secrets, sync]).toEqual([{ engine_token: 'token-of-the-engine' }, true]);
    expect(details).toEqual({
      name: 'Nightly report',
      config: { region: 'eu' },
      startup: { opened: 'ticket' },
      event: { type: 'webhook' },
      extra: {
        cache_ttl_seconds: 300,
        transient: false,
        is_platform_admin: true,
        roi: { time_saved: 0, value: 0 },
        content_hash: null,
      },
    });
  });

  it('joins an extra of its own', async () => {
    const { details } = await serviceWith({ ...INLINE, extra: { a: 1 }, unknown: 2 }).load('e-1');
    expect(details.extra).toEqual({ a: 1, unknown: 2 });
  });

  it('may be a script in base64, also wrapped into lines', async () => {
    const code = Buffer.from('console.log("Grüße")').toString('base64');
    for (const text of [code, `${code.slice(0, 8)}\n${code.slice(8)}\n`]) {
      expect((await load({ code: text, file_path: null, function_name: null })).source).toEqual({
        kind: 'inline',
        code: 'console.log("Grüße")',
        functionName: null,
      });
    }
  });

  it.each([
    ['no base64', { code: 'console.log(1)!' }, 'code: must be UTF-8 text in base64', 'code'],
    ['no text', { code: '/////w==' }, 'code: must be UTF-8 text in base64', 'code'],
    ['a second source', { code: 'MQ==', workflow_code: '1' }, 'code: must not be beside', 'code'],
    ['no limit of time', { timeout_seconds: 0 }, 'timeout_seconds: must be more than 0', 'timeout_seconds'],
    ['a name that is no text', { name: 7 }, 'name: must be a string', 'name'],
    ['a config that is a list', { config: [1] }, 'config: must be an object', 'config'],
  ])('is refused for %s', async (_, changes, why, field) => {
    const refusal = await refusalOf(() => load(changes));
    expect(refusal.message).toContain(why);
    expect(refusal.field).toBe(field);
  });

  it('is refused for unknown fields that are too deep', async () => {
    const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown;
    expect((await refusalOf(() => load({ odd: deep }))).message).toContain('too deep or too many');
  });

  it('may have no limit of time where 0 means the longest', async () => {
    const used = parseSettings({ ZERO_TIMEOUT: 'longest', MAX_TIMEOUT_SECONDS: '900' });
    expect((await load({ timeout_seconds: 0 }, used)).timeoutMs).toBe(900_000);
  });
});

describe('limits of an organization', () => {
  const OF_ACME = { ...INLINE, organization: { id: 'acme' } };
  const open = parseSettings({ NETWORK: 'open', MAX_TIMEOUT_SECONDS: '60', DEFAULT_TIMEOUT_SECONDS: '30' });
  const load = (document: object, limits: OrganizationLimits, used = settings) =>
    serviceWith(document, { ...used, KEY_PREFIX: 'acme:' }, { limits }).load('e-1');

  it('narrow the time, the default too', async () => {
    expect(await load(OF_ACME, { timeout_seconds: 10 })).toMatchObject({ timeoutMs: 10_000 });
    expect(await load({ ...OF_ACME, timeout_seconds: 9 }, { timeout_seconds: 10 })).toMatchObject({
      timeoutMs: 9_000,
    });
    expect(await load(OF_ACME, { timeout_seconds: 1_000 })).toMatchObject({ timeoutMs: 30_000 });
    const refusal = await refusalOf(() => load({ ...OF_ACME, timeout_seconds: 11 }, { timeout_seconds: 10 }));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'timeout_seconds' });
    expect(refusal.message).toContain('the limit of its organization is 10 s');
  });

  it('narrow the network, and a list of hosts leaves that of the worker only', async () => {
    expect(await load(OF_ACME, {}, open)).toMatchObject({ network: 'open' });
    expect(await load(OF_ACME, { network: 'none' }, open)).toMatchObject({ network: 'none' });
    expect(await load(OF_ACME, { network_allow: ['a.example'] }, open)).toMatchObject({
      network: 'proxy',
      bounds: { networkAllow: ['a.example'] },
    });
    expect(await load(OF_ACME, { network: 'open' })).toMatchObject({ network: 'none' });
    const asked = { ...OF_ACME, network: 'open' };
    expect(await refusalOf(() => load(asked, { network: 'proxy' }, open))).toMatchObject({
      field: 'network',
    });
  });

  it('go with the execution where it is carried out, and with no other', async () => {
    const limits = { memory_mb: 64, output_bytes: 1_000, native_addons: false };
    expect((await load(OF_ACME, limits)).bounds).toEqual({
      memoryMb: 64,
      outputBytes: 1_000,
      networkAllow: null,
      withoutAddons: true,
    });
    expect((await load(OF_ACME, { native_addons: true })).bounds).toBeUndefined();
    expect((await load(INLINE, limits)).bounds).toBeUndefined();
  });
});

describe('secrets of the store', () => {
  const named = { ...INLINE, organization: { id: 'acme' }, secrets: { A: 'a' }, secret_names: ['B', 'C'] };

  it('come beside those of the context', async () => {
    expect((await serviceWith(named).load('e-1')).secrets).toEqual({
      A: 'a',
      B: 'B of acme',
      C: 'C of acme',
    });
  });

  it.each([
    ['no organization', { ...named, organization: undefined }, 'needs organization'],
    ['a secret that the context has too', { ...named, secret_names: ['A'] }, 'A is in secrets too'],
    ['a name that is none', { ...named, secret_names: ['a b'] }, 'letters, digits'],
  ])('are refused for %s', async (_, document, message) => {
    const refusal = await refusalOf(() => serviceWith(document).load('e-1'));
    expect(refusal).toMatchObject({ code: 'INVALID_JOB', field: 'secret_names' });
    expect(refusal.message).toContain(message);
  });

  it('count against the limit of all', async () => {
    const stored = { B: 'x'.repeat(40_000), C: 'x'.repeat(40_000) };
    const refusal = await refusalOf(() => serviceWith(named, settings, { stored }).load('e-1'));
    expect(refusal.message).toContain('must have at most 65536 characters together');
  });
});
