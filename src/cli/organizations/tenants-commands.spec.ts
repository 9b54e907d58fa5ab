import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { unsetOrganization } from '../../contract/organization.js';
import { runAnswered } from '../../../test/support/processes/answered-command.js';
import { defineTenants } from './tenants-commands.js';

/** Runs a command line against an API that answers with these documents, one after the other. */
const run = (args: string[], ...answers: object[]) =>
  runAnswered(
    (io, exit) => {
      const program = new Command('bifrost').exitOverride();
      defineTenants(program, io, exit);
      return program;
    },
    args,
    answers,
  );

const TOKEN = {
  id: 'abc',
  name: 'deploys',
  role: 'submit',
  organizations: ['acme'],
  created_by: 'API_TOKEN',
  expires_at: null,
  expired: false,
};

describe('bifrost tokens', () => {
  it('prints a new token alone, and says beside it that it is not kept', async () => {
    const made = await run(
      ['tokens', 'create', 'deploys', '--role', 'submit', '--organization', 'acme', '--expires', '1d'],
      { ...TOKEN, token: 'bifrost_abc_secret' },
    );
    expect(made).toMatchObject({ code: 0, stdout: 'bifrost_abc_secret\n' });
    expect(made.stderr).toContain('cannot be shown again');
    const [{ call, body } = { call: '', body: {} }] = made.asked;
    expect(call).toBe('POST /tokens');
    expect(body).toMatchObject({ name: 'deploys', role: 'submit', organizations: ['acme'] });
    const { expires_at: end } = body as { expires_at: string };
    expect(Math.abs(Date.parse(end) - Date.now() - 86_400_000)).toBeLessThan(3_600_000);
  });

  it('lists and revokes', async () => {
    const listed = await run(['tokens'], { tokens: [TOKEN, { ...TOKEN, organizations: null }] });
    expect(listed.stdout).toMatch(/abc +deploys +submit +acme +API_TOKEN +never/);
    expect(listed.stdout).toMatch(/abc +deploys +submit +all /);
    const revoked = await run(['tokens', 'revoke', 'abc'], { id: 'abc', revoked: true });
    expect(revoked).toMatchObject({ asked: [{ call: 'DELETE /tokens/abc' }], stdout: 'abc is revoked\n' });
  });
});

describe('bifrost secrets', () => {
  it('takes a value from standard input, without the line break at its end', async () => {
    const { asked, stdout } = await run(['secrets', 'set', 'a/b', 'KEY'], { name: 'KEY' });
    expect(asked).toEqual([
      { call: 'PUT /organizations/a%2Fb/secrets/KEY', body: { value: 'from standard input' } },
    ]);
    expect(stdout).toBe('KEY of a/b is set\n');
  });

  it('fails where a rotation left something', async () => {
    const answer = { key_id: 'k2', rotated: 1, unchanged: 0 };
    expect((await run(['secrets', 'rotate'], { ...answer, unreadable: [] })).code).toBe(0);
    const left = { organization: 'acme', name: 'KEY', key_id: 'k1' };
    const partly = await run(['secrets', 'rotate'], { ...answer, unreadable: [left] });
    expect(partly.code).toBe(1);
    expect(partly.stderr).toContain('KEY of acme is as before: SECRETS_KEY lacks its key k1');
  });
});

describe('bifrost organizations', () => {
  it('reads the record before it changes a part of it', async () => {
    const before = { ...unsetOrganization('acme'), weight: 3 };
    const { asked, stdout } = await run(['organizations', 'set', 'acme', '--max-running', '2'], before, {
      ...before,
      max_running: 2,
    });
    expect(asked.map(({ call }) => call)).toEqual(['GET /organizations/acme', 'PUT /organizations/acme']);
    expect(asked[1]?.body).toMatchObject({ weight: 3, max_running: 2 });
    expect(stdout).toContain('most at once: 2');
  });
});

describe('bifrost usage and bifrost audit', () => {
  const row = { day: '2026-11-28', organization: 'acme', executions: 2, cpu_seconds: 1.5 };
  const rows = { ...row, network_bytes: 3, artifact_bytes: 4 };

  it('read all pages, as a table or CSV', async () => {
    const pages = [
      { usage: [rows], next_cursor: '2026-11-28/acme' },
      { usage: [{ ...rows, organization: 'b' }], next_cursor: null },
    ];
    const csv = await run(['usage', '--csv', '--since', '2026-11-01'], ...pages);
    expect(csv.stdout.split('\r\n')).toEqual([
      'day,organization,executions,cpu_seconds,network_bytes,artifact_bytes',
      '2026-11-28,acme,2,1.5,3,4',
      '2026-11-28,b,2,1.5,3,4',
      '',
    ]);
    expect(csv.asked.map(({ call }) => call)).toEqual([
      'GET /usage?since=2026-11-01&limit=500',
      'GET /usage?since=2026-11-01&limit=500&cursor=2026-11-28%2Facme',
    ]);
    expect((await run(['usage'], ...pages)).stdout).toMatch(/2026-11-28 +acme +2 +1.5 +3 +4/);
  });

  it.each([
    [[], 'an organization ended in the last 30 days'],
    [['--organization', 'acme', '--since', '2026-11-01'], 'the organization acme ended on these days'],
  ])('%j say what no usage means', async (args, text) => {
    const { stdout } = await run(['usage', ...args], { usage: [], next_cursor: null });
    expect(stdout).toBe(`no execution of ${text}; executions without an organization are not counted\n`);
  });

  it('show what was changed', async () => {
    const entry = { at: '2026-11-28T10:00:00.000Z', token_name: 'deploys', role: 'submit', status: 403 };
    const { stdout, asked } = await run(['audit', '--token', 'abc'], {
      entries: [{ ...entry, action: 'POST /queue/pause', target: '/queue/pause' }],
      next_cursor: null,
    });
    expect(stdout).toMatch(/deploys +submit +POST \/queue\/pause +\/queue\/pause +403/);
    expect(asked[0]?.call).toBe('GET /audit?token=abc');
  });
});
