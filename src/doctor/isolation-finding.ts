import { CompilerPool } from '../compile/compiler-pool.js';
import { networkOf } from '../config/network.js';
import { type Settings, SettingsError } from '../config/settings.js';
import { compilerSettings, type RunnerSettings, runnerSettings } from '../config/slices.js';
import { type DoctorFinding, failure, okay, warning } from '../contract/doctor-report.js';
import { failedChecks, isAtLeast, type IsolationReport } from '../contract/isolation-report.js';
import { closedFolder } from '../isolation/packages-access.js';
import { RunnerFactory } from '../executor/pool/runner-factory.js';
import { attackEachWay } from '../executor/self-test/attack-each-way.js';
import type { StartWay } from '../executor/template/template-source.js';

/** What was found out about the isolation, with the whole self-test where one could be done. */
export interface IsolationFindings {
  findings: DoctorFinding[];
  report: IsolationReport | null;
  passedOver: string[];
}

/** Chooses a level as a worker does, and attacks itself from it. */
export async function isolationFindings(settings: Settings): Promise<IsolationFindings> {
  const runners = runnerSettings.of(settings);
  let factory: RunnerFactory;
  try {
    factory = await RunnerFactory.open(runners);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const detail = error.message.split('\n').slice(1).join('\n').trim();
    return {
      findings: [
        failure(
          'isolation',
          detail.replace(/^[A-Z_]+: /, ''),
          runners.nativeAddons
            ? 'or do without: NATIVE_ADDONS=off'
            : 'or take what works here: ISOLATION=auto',
        ),
      ],
      report: null,
      passedOver: [],
    };
  }
  const compilers = new CompilerPool(compilerSettings.of(settings));
  try {
    const { report, weaker } = await attackEachWay(runners, factory, compilers);
    const { passedOver, level } = factory.choice;
    const findings = [
      judgeIsolation(report, passedOver, runners),
      judgeStarts(runners, factory.way, weaker),
      packagesFinding(runners, level.name),
    ];
    return { findings, report, passedOver };
  } finally {
    await Promise.all([compilers.stop(), factory.close()]);
  }
}

/** Whether the isolation is what the settings ask for. */
export function judgeIsolation(
  report: IsolationReport,
  passedOver: readonly string[],
  { requiredGrade: wanted }: Pick<RunnerSettings, 'requiredGrade'>,
): DoctorFinding {
  const { level, grade, network, native_addons: addons } = report;
  const failed = failedChecks(report);
  const detail = `level ${level}, grade ${grade}, network ${network}${addons ? ', native add-ons' : ''}`;
  if (failed.length > 0)
    return failure('isolation', `${detail}; failed: ${failed.join(', ')}`, 'see the failed checks below');
  if (wanted !== undefined && !isAtLeast(grade, wanted))
    return failure('isolation', detail, `ISOLATION_REQUIRED_GRADE=${wanted}: make a stronger level possible`);
  const [reason] = passedOver;
  return reason === undefined ? okay('isolation', detail) : warning('isolation', detail, reason);
}

/** How runners come about, and whether that is what the settings ask for. */
export function judgeStarts(
  { start: wanted }: Pick<RunnerSettings, 'start'>,
  { start, reason }: StartWay,
  weaker: string | null,
): DoctorFinding {
  const why = weaker ?? reason;
  if (why === null)
    return okay('runners', start === 'fork' ? 'forked of a template' : 'started, each a new process of Node');
  const detail = `started, not forked: ${why}`;
  if (wanted === 'fork') return failure('runners', detail, 'RUNNER_START=auto takes what works here');
  if (weaker === null) return okay('runners', detail);
  return warning(
    'runners',
    detail,
    'see docs/security-model.md#forked-runners; RUNNER_START=spawn asks for no more',
  );
}

function packagesFinding(
  { packageSets: sets }: RunnerSettings,
  level: IsolationReport['level'],
): DoctorFinding {
  const closed = closedFolder(sets, level);
  return closed === null
    ? okay('packages', `${sets}, readable for runners`)
    : failure('packages', `${closed.path} is closed to the users of runners`, closed.fix);
}

/** In one line, what the settings ask for. */
export const askedFor = (settings: Settings): string =>
  `ISOLATION=${settings.ISOLATION}, NETWORK=${networkOf(settings)}, RUNNER=${settings.RUNNER}, ROLES=${settings.ROLES.join(',')}`;
