import { describe, expect, it } from '@jest/globals';
import { ATTACK_NAMES, type AttackName, type Finding, type Findings } from '../../boundary/self-test.js';
import { attackChecks, type AttackContext, type Round } from './attack-checks.js';
import type { Observations } from './canaries.js';
import { gradeOf } from './grade.js';

const NOTHING: Observations = {
  portConnections: 0,
  socketConnections: 0,
  signals: 0,
  writtenFiles: [],
  changedFiles: [],
  survivors: [],
  environment: 'digest-of-environment',
  memory: 'word-in-memory',
  stat: `7 (node) ${Array.from({ length: 22 }, (_, field) => field).join(' ')}`,
  files: new Set(['/app/.env digest']),
};
const REFUSED: Finding = { kind: 'refused', code: 'EPERM' };
const CLOSED: AttackContext = { network: 'none', hasRedis: true, openApi: true, nativeAddons: false };

function aRound(findings: Partial<Findings> = {}, seen: Partial<Observations> = {}): Round {
  const refused = Object.fromEntries(ATTACK_NAMES.map((name) => [name, REFUSED])) as Findings;
  return { findings: { ...refused, ...findings }, observations: { ...NOTHING, ...seen } };
}
const got = (...values: string[]): Finding => ({ kind: 'got', values });
const outcomesOf = (whole: Round, bare: Round | null = aRound(), where = CLOSED) =>
  Object.fromEntries(attackChecks(whole, bare, where).map((check) => [check.name, check]));

describe('attacks that are refused', () => {
  it('all hold by the kernel, but what only Node can know', () => {
    const checks = attackChecks(aRound(), aRound(), CLOSED);
    expect(checks.filter(({ outcome }) => outcome !== 'held')).toEqual([]);
    expect(checks.filter(({ by }) => by === 'node').map(({ name }) => name)).toEqual(['addon']);
    expect([gradeOf('namespace', checks), gradeOf('process', checks), gradeOf('thread', checks)]).toEqual([
      'A',
      'B',
      'D',
    ]);
  });

  it('hold by Node alone where the kernel lets them through, which costs a grade', () => {
    const checks = attackChecks(aRound(), aRound({ files: got('/app/.env digest') }), CLOSED);
    expect(checks.find(({ name }) => name === 'files')).toMatchObject({ outcome: 'held', by: 'node' });
    expect(gradeOf('namespace', checks)).toBe('C');
  });

  it('hold by Node alone where the kernel could not be asked', () => {
    expect(gradeOf('process', attackChecks(aRound(), null, CLOSED))).toBe('C');
  });
});

describe('an attack that gets through', () => {
  const THROUGH: [AttackName, Finding, Partial<Observations>][] = [
    ['worker-environment', got('other', 'digest-of-environment'), {}],
    ['worker-memory', got('word-in-memory'), {}],
    ['processes', got(NOTHING.stat), {}],
    ['signals', got('7'), {}],
    ['signals', REFUSED, { signals: 1 }],
    ['files', got('/app/.env digest'), {}],
    ['symlink', got('/app/.env digest'), {}],
    ['write-outside', REFUSED, { writtenFiles: ['/tmp/x'] }],
    ['file-metadata', REFUSED, { changedFiles: ['/app/.env'] }],
    ['descriptor-signals', got('F_SETOWN'), {}],
    ['inherited-descriptors', got('descriptor 40, a file'), {}],
    ['pipe-pages', got('vmsplice'), {}],
    ['programs', got('exit code 0'), {}],
    ['survivor', REFUSED, { survivors: [9] }],
    ['survivor', got('9'), {}],
    ['addon', got('loaded'), {}],
    ['become-root', got('0'), {}],
    ['redis', got(''), {}],
    ['worker-port', REFUSED, { portConnections: 1 }],
    ['unix-socket', REFUSED, { socketConnections: 1 }],
    ['metadata-address', got('no answer'), {}],
  ];
  it.each(THROUGH)('%s: %j is a failure', (name, finding, seen) => {
    const whole = aRound({ [name]: finding }, seen);
    const checks = attackChecks(whole, aRound(), CLOSED);
    expect(checks.filter(({ outcome }) => outcome === 'failed').map((check) => check.name)).toEqual([name]);
    expect(gradeOf('namespace', checks)).toBe('D');
  });

  it.each(ATTACK_NAMES)('%s that did not take place is one too', (name) => {
    const broken: Finding = { kind: 'broken', message: 'x is not a function' };
    expect(outcomesOf(aRound({ [name]: broken }))[name]).toMatchObject({ outcome: 'failed' });
  });
});

describe('what is got that is not the worker’s', () => {
  it.each<[AttackName, Finding]>([
    ['worker-environment', got('digest of an environment of its own')],
    ['worker-memory', got('zeroes')],
    ['processes', got(NOTHING.stat.replace(' 19 ', ' 99 '))],
    ['files', got('/app/.env of something else')],
    ['become-root', got('1000')],
  ])('is nothing: %s %j', (name, finding) => {
    expect(outcomesOf(aRound({ [name]: finding }))[name]).toMatchObject({ outcome: 'held' });
  });
});

describe('with native add-ons', () => {
  const addons: AttackContext = { ...CLOSED, nativeAddons: true };

  it('loading native code was asked for', () => {
    const checks = outcomesOf(aRound({ addon: got('loaded') }), aRound(), addons);
    expect(checks['addon']).toMatchObject({ outcome: 'not_applicable', by: null });
    expect(checks['addon']?.detail).toContain('NATIVE_ADDONS=on');
    expect(gradeOf('namespace', Object.values(checks))).toBe('A');
  });

  it('what Node’s permission model alone holds is a hole', () => {
    for (const bare of [aRound({ files: got('/app/.env digest') }), null]) {
      const checks = outcomesOf(aRound(), bare, addons);
      expect(checks['files']).toMatchObject({ outcome: 'failed' });
      expect(checks['files']?.detail).toContain('NATIVE_ADDONS=on');
      expect(gradeOf('namespace', Object.values(checks))).toBe('D');
    }
  });
});

describe('with the network of the machine', () => {
  const open: AttackContext = { network: 'open', hasRedis: true, openApi: false, nativeAddons: false };
  it('Redis has to want a password', () => {
    const answer = (text: string) =>
      outcomesOf(aRound({ redis: got(text) }), aRound(), open)['redis']?.outcome;
    expect([answer('+PONG\r\n'), answer('-NOAUTH Authentication required.\r\n')]).toEqual(['failed', 'held']);
  });

  it('the API has to want a token, and the rest of the network was asked for', () => {
    const reached = aRound({ 'worker-port': got('HTTP/1.1'), 'metadata-address': got('no answer') });
    const outcome = (where: AttackContext) => {
      const found = outcomesOf(reached, reached, where);
      return [found['worker-port']?.outcome, found['metadata-address']?.outcome];
    };
    expect(outcome(open)).toEqual(['not_applicable', 'not_applicable']);
    expect(outcome({ ...open, openApi: true })).toEqual(['failed', 'not_applicable']);
  });
});
