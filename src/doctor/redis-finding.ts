import { type DoctorFinding, failure, okay, warning } from '../contract/doctor-report.js';
import { openRedis, untilReady } from '../redis/connections.js';

/** The oldest that BullMQ recommends. */
const MIN_VERSION = [6, 2] as const;
const CONNECT_TIMEOUT_MS = 3_000;

/** What `INFO` says of a server. */
export interface RedisFacts {
  version: string;
  policy: string;
  appendOnly: boolean;
}

/** Whether Redis answers, and whether it is set up so that nothing is lost. */
export async function redisFinding(url: string): Promise<DoctorFinding> {
  const client = openRedis(url, 'impatient', 'bifrost-doctor');
  // Later errors: the finding is made by then.
  client.on('error', () => undefined);
  try {
    await untilReady(client, CONNECT_TIMEOUT_MS);
    return judgeRedis(factsOf(await client.info()));
  } catch (error) {
    const reason = (error as Error).message;
    return failure('redis', `it does not answer: ${reason}`, 'start it, or correct REDIS_URL');
  } finally {
    client.disconnect();
  }
}

/** Without REDIS_URL the worker starts a Redis for development, if it can. */
export const judgeEmbedded = (binary: string | undefined): DoctorFinding =>
  binary === undefined
    ? failure(
        'redis',
        'REDIS_URL is not set, and there is no redis-server here',
        'set REDIS_URL, or install redis-server',
      )
    : warning(
        'redis',
        `REDIS_URL is not set: the worker starts ${binary} for development`,
        'set REDIS_URL in production',
      );

/** A pure function, so that tests need not have every kind of server. */
export function judgeRedis({ version, policy, appendOnly }: RedisFacts): DoctorFinding {
  const detail = `${version}, maxmemory-policy ${policy}, append-only file ${appendOnly ? 'on' : 'off'}`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]))
    return failure('redis', detail, `use Redis ${MIN_VERSION.join('.')} or later`);
  if (policy !== 'noeviction')
    return warning(
      'redis',
      detail,
      'CONFIG SET maxmemory-policy noeviction: anything else deletes jobs and results',
    );
  if (!appendOnly)
    return warning(
      'redis',
      detail,
      'appendonly yes: without it a crash of Redis loses the latest jobs and results',
    );
  return okay('redis', detail);
}

export function factsOf(info: string): RedisFacts {
  const value = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '?';
  return {
    version: value('redis_version'),
    policy: value('maxmemory_policy'),
    appendOnly: value('aof_enabled') === '1',
  };
}
