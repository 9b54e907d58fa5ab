import type { QuotaName } from '../../contract/organization.js';
import type { UsageRow } from '../../contract/tenants/usage.js';

/** What is counted, as it is kept: whole numbers, which add up exactly. */
export interface UsageCounts {
  executions: number;
  cpuMs: number;
  networkBytes: number;
  artifactBytes: number;
}

/** Prefixes of the fields of a day; the organization follows. */
export const FIELDS = {
  executions: 'executions:',
  cpuMs: 'cpu_ms:',
  networkBytes: 'network_bytes:',
  artifactBytes: 'artifact_bytes:',
} as const satisfies Record<keyof UsageCounts, string>;

/** The counters in the order of the script. */
export const COUNTERS = Object.keys(FIELDS) as readonly (keyof UsageCounts)[];

export const fieldsOf = (organization: string): string[] =>
  COUNTERS.map((name) => FIELDS[name] + organization);

/** Counters as Redis has them; what was never counted is 0. */
export function countedOf(values: readonly (string | null | undefined)[]): UsageCounts {
  const [executions = 0, cpuMs = 0, networkBytes = 0, artifactBytes = 0] = values.map((value) =>
    Number(value ?? 0),
  );
  return { executions, cpuMs, networkBytes, artifactBytes };
}

/** YYYY-MM-DD (UTC) of a moment in Unix milliseconds. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The same of a moment in ISO 8601, as documents have it. */
export const dayIn = (time: string): string => time.slice(0, 10);

/** When the day of a moment is over, in Unix milliseconds. */
export const endOfDay = (ms: number): number => Date.parse(`${dayOf(ms)}T00:00:00Z`) + 86_400_000;

/** In the units of quotas and receipts. */
export const usedOf = ({
  executions,
  cpuMs,
  networkBytes,
  artifactBytes,
}: UsageCounts): Record<QuotaName, number> => ({
  executions,
  cpu_seconds: cpuMs / 1_000,
  network_bytes: networkBytes,
  artifact_bytes: artifactBytes,
});

export const usageRow = (day: string, organization: string, counted: UsageCounts): UsageRow => ({
  day,
  organization,
  ...usedOf(counted),
});

/** The organizations of a day, sorted, with what each used. @param values all fields of the day */
export function rowsOf(day: string, values: Readonly<Record<string, string>>): UsageRow[] {
  const organizations = new Set<string>();
  for (const field of Object.keys(values)) organizations.add(field.slice(field.indexOf(':') + 1));
  return [...organizations].toSorted().map((organization) => {
    const own = fieldsOf(organization).map((field) => values[field]);
    return usageRow(day, organization, countedOf(own));
  });
}
