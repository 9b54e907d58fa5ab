import { type DoctorReport, failure } from '../contract/doctor-report.js';
import { VERSION } from '../lib/version.js';
import { partOfWorker } from './application.js';
import { doctorText } from './doctor-text.js';
import { EXIT, type ExitCode } from './output/exit.js';
import { asJson, type Output } from './output/output.js';

const MIN_NODE_MAJOR = 26;

/**
 * `bifrost doctor`: finds out, here and now, whether a worker with this environment has what it asks for,
 * with the whole self-test of the isolation. Resolves with the exit code: a failure unless it has.
 */
export async function doctor(
  env: Readonly<Record<string, string | undefined>>,
  { json = false }: { json?: boolean },
  { stdout }: Output,
): Promise<ExitCode> {
  const report =
    Number(process.versions.node.split('.')[0]) < MIN_NODE_MAJOR ? OLD_NODE : await examined(env);
  stdout.write(json ? asJson(report) : doctorText(report, stdout));
  return report.ok ? EXIT.succeeded : EXIT.failed;
}

/** The application cannot even be loaded by an older Node. */
const OLD_NODE: DoctorReport = {
  ok: false,
  version: VERSION,
  node: process.version,
  user: process.getuid?.() ?? null,
  findings: [
    failure(
      'node',
      process.version,
      `use Node ${MIN_NODE_MAJOR}: npm start brings it, so does node_modules/.bin/node`,
    ),
  ],
  isolation: null,
  passed_over: [],
};

async function examined(env: Readonly<Record<string, string | undefined>>): Promise<DoctorReport> {
  const { examine } = await partOfWorker('doctor.cjs', () => import('../doctor/doctor.js'));
  return await examine(env);
}
