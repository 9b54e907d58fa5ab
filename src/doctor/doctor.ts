import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { canKeepArchive, databaseVersion } from '../archive/examine-database.js';
import { machineEnvironment } from '../config/machine-environment.js';
import { parseSettings, type Settings, SettingsError } from '../config/settings.js';
import { type DoctorFinding, type DoctorReport, failure, okay } from '../contract/doctor-report.js';
import { VERSION } from '../lib/version.js';
import { askedFor, type IsolationFindings, isolationFindings } from './isolation-finding.js';
import { judgeEmbedded, redisFinding } from './redis-finding.js';

/** Nothing is isolated where no code is run. */
const NO_CODE: IsolationFindings = { findings: [], report: null, passedOver: [] };

/**
 * Finds out whether a worker with this environment, on this machine and as this user, has what it asks for.
 * Starts runners for that, and changes nothing: neither Redis nor the database nor the folder of packages.
 */
export async function examine(env: Readonly<Record<string, string | undefined>>): Promise<DoctorReport> {
  // What the parts of a worker log about themselves is in the report.
  Logger.overrideLogger(false);
  const settings = settingsOf(env);
  if (settings instanceof SettingsError) {
    const [, ...lines] = settings.message.split('\n');
    const detail = lines.join('\n').trim();
    return reportOf([failure('settings', detail, 'correct these variables: docs/configuration.md')], NO_CODE);
  }
  const [redis, database, isolation] = await Promise.all([
    settings.REDIS_URL === undefined
      ? judgeEmbedded(onPath('redis-server'))
      : redisFinding(settings.REDIS_URL),
    databaseFinding(settings),
    settings.ROLES.includes('worker') ? isolationFindings(settings) : NO_CODE,
  ]);
  return reportOf([okay('settings', askedFor(settings)), redis, database, ...isolation.findings], isolation);
}

function reportOf(findings: DoctorFinding[], { report, passedOver }: IsolationFindings): DoctorReport {
  const all = [okay('node', process.version), ...findings];
  return {
    ok: all.every(({ state }) => state !== 'failed'),
    version: VERSION,
    node: process.version,
    user: process.getuid?.() ?? null,
    findings: all,
    isolation: report,
    passed_over: passedOver,
  };
}

function settingsOf(env: Readonly<Record<string, string | undefined>>): Settings | SettingsError {
  try {
    return parseSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
}

async function databaseFinding({ ROLES, DATABASE_URL, ARCHIVE_DIR }: Settings): Promise<DoctorFinding> {
  const name = 'database';
  if (!ROLES.includes('archive')) return okay(name, 'not used: ROLES has no archive');
  if (DATABASE_URL === undefined)
    return canKeepArchive(ARCHIVE_DIR)
      ? okay(name, `embedded, in ${ARCHIVE_DIR}`)
      : failure(
          name,
          `${ARCHIVE_DIR} cannot be written`,
          'set DATABASE_URL, or ARCHIVE_DIR to another folder',
        );
  try {
    return okay(name, await databaseVersion(DATABASE_URL));
  } catch (error) {
    const reason = (error as Error).message || String((error as NodeJS.ErrnoException).code);
    return failure(name, `it does not answer: ${reason}`, 'start it, or correct DATABASE_URL');
  }
}

function onPath(program: string): string | undefined {
  const { PATH = '/usr/bin:/bin' } = machineEnvironment();
  return PATH.split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
