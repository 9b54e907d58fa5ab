import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompilerPool } from '../../compile/compiler-pool.js';
import type { RunnerSettings } from '../../config/slices.js';
import type { IsolationCheck, IsolationReport } from '../../contract/isolation-report.js';
import type { Findings, ServerAddress } from '../../boundary/self-test.js';
import { parseRedisUrl } from '../../config/redis-address.js';
import { triedAgain } from '../../isolation/choose-level.js';
import { programText } from '../../isolation/confined-program.js';
import type { IsolationLevel } from '../../isolation/isolation-level.js';
import type { RunnerStart } from '../../contract/confinement.js';
import type { RuntimeDir } from '../../isolation/runtime-dir.js';
import { runOnce } from '../process/run-once.js';
import type { RunnerProcess } from '../process/runner-process.js';
import type { RunnerFactory } from '../pool/runner-factory.js';
import { attackChecks, type Round } from './attack-checks.js';
import { compilerCheck } from './compiler-check.js';
import { Canaries } from './canaries.js';
import { gradeOf } from './grade.js';
import { kernelChecks } from './kernel-checks.js';
import { type KernelFacts, kernelFacts, type KernelPromises } from './kernel-facts.js';
import { withoutPermissionModel } from './without-node.js';

const PACKAGE_JSON = fileURLToPath(new URL('../../../package.json', import.meta.url));

/** A round of attacks, with what the kernel said of the runner afterwards. */
interface SeenRound extends Round {
  facts: KernelFacts;
  promised: KernelPromises;
}

/**
 * Attacks this worker from inside two runners of its own: one as every other, and one without Node's
 * permission model, which shows what the kernel alone refuses. Never rejects: a test that could not be
 * carried out is a failed check.
 */
export async function attackItself(
  settings: RunnerSettings,
  factory: RunnerFactory,
  compilers: Pick<CompilerPool, 'any'>,
  start: RunnerStart = factory.way.start,
): Promise<IsolationReport> {
  const startedMs = performance.now();
  const { level } = factory.choice;
  const checks =
    level.name === 'thread'
      ? [OF_THREADS]
      : await checksOf(settings, aside(factory, start), level, compilers);
  return {
    level: level.name,
    grade: gradeOf(level.name, checks),
    network: settings.network,
    ...(settings.nativeAddons ? { native_addons: true as const } : {}),
    checks,
    took_ms: Math.round(performance.now() - startedMs),
  };
}

const OF_THREADS: IsolationCheck = {
  name: 'self-test',
  tries: 'reach what other executions have',
  outcome: 'not_applicable',
  by: null,
  detail: 'threads of one process are not kept apart: TRUSTED_CODE=true says that no code has to be',
};

/** Runners that come about in one way. */
interface AttackedRunners {
  dir: RuntimeDir;
  boot(level: IsolationLevel): Promise<RunnerProcess>;
}

const aside = (factory: RunnerFactory, start: RunnerStart): AttackedRunners => ({
  dir: factory.dir,
  boot: (level) => factory.bootAside(level, start),
});

async function checksOf(
  settings: RunnerSettings,
  runners: AttackedRunners,
  level: IsolationLevel,
  compilers: Pick<CompilerPool, 'any'>,
): Promise<IsolationCheck[]> {
  try {
    if (process.platform !== 'linux')
      throw new Error(
        `on ${process.platform} no kernel keeps code from anything, only Node's permission model`,
      );
    const source = programText('self-test');
    const [compiler, whole, bare] = await Promise.all([
      compilerCheck(compilers),
      triedAgain('self-test', () => attackFrom(level, source, settings, runners)),
      attackFrom(withoutPermissionModel(level), source, settings, runners).catch(() => null),
    ]);
    const { network, redisUrl, hasOpenApi: openApi, nativeAddons } = settings;
    const where = { network, hasRedis: redisUrl !== undefined, openApi, nativeAddons };
    return [...attackChecks(whole, bare, where), ...kernelChecks(whole.facts, whole.promised), compiler];
  } catch (error) {
    return [notCarriedOut(error as Error)];
  }
}

const notCarriedOut = ({ message }: Error): IsolationCheck => ({
  name: 'self-test',
  tries: 'attack the worker from inside a runner',
  outcome: 'failed',
  by: null,
  detail: `it could not be carried out, so nothing is known: ${message}`,
});

async function attackFrom(
  level: IsolationLevel,
  source: string,
  settings: RunnerSettings,
  runners: AttackedRunners,
): Promise<SeenRound> {
  const canaries = await Canaries.open({
    dir: runners.dir,
    ownFiles: [PACKAGE_JSON, join(process.cwd(), '.env')],
    folders: [settings.packageSets, homedir()],
  });
  try {
    const runner = await runners.boot(level);
    const network = settings.network;
    const confinement = level.confinement(runner.place);
    let facts = kernelFacts(runner.pid);
    const findings = (await runOnce(runner, source, {
      parameters: { ...canaries.targets(redisOf(settings)) },
      network,
      // The last door is shut when code has run, not when a runner has booted.
      onReturned: ({ pid }) => (facts = kernelFacts(pid)),
    })) as Findings;
    const promised = { confinement, namespaces: level.name === 'namespace', network };
    return { findings, observations: canaries.look(), facts, promised };
  } finally {
    await canaries.close();
  }
}

/** null: there is no telling where it is. */
function redisOf({ redisUrl }: RunnerSettings): ServerAddress | null {
  if (redisUrl === undefined) return null;
  const { nodes, tls } = parseRedisUrl(redisUrl);
  const [node] = nodes;
  return node === undefined ? null : { ...node, tls };
}
