/** What an audit of a campaign of faults found; every list of ids is to be empty. */
export interface FaultsAudit {
  executions: number;
  /** Without a result on the result queue. */
  lost: string[];
  /** With more than one. */
  doubled: string[];
  /** Whose result on the queue is not the one in Redis. */
  disagreeing: string[];
  /** Whose code was started more often than the result shows. */
  undeclared: string[];
  /** That failed although their code did not, as `id: failure code: message`. */
  failed: string[];
  /** Executions whose code was started more than once, which their results show. */
  repeated: number;
  /** From the death of a worker to the next start of what it ran, in milliseconds. */
  failover: { count: number; medianMs: number | null; worstMs: number | null };
  /** How many ended with each failure code; `ok`: with none. */
  ends: Record<string, number>;
}

/** What came of a campaign of faults; {@link findingsOf} says whether it has passed. */
export interface CampaignReport extends FaultsAudit {
  seed: number;
  seconds: number;
  /** How often each fault was made. */
  faults: Record<string, number>;
  /** Processes of workers that were alive after their workers. */
  orphans: number[];
  /** Keys of this product without an expiry, beside those that are to stay. */
  keysForEver: string[];
  /** Files of executions and runners that are left when all workers have ended. */
  filesLeft: string[];
  /** Executions with more or fewer than one row in the archive, where there is one. */
  notOneRow: string[];
}

/** The lists of a report that must be empty, in the order of their weight. */
const FINDINGS = [
  'lost',
  'doubled',
  'disagreeing',
  'undeclared',
  'failed',
  'notOneRow',
  'orphans',
  'keysForEver',
  'filesLeft',
] as const;

/** What a campaign found: the lists that are not empty, by name. It has passed when there is none. */
export const findingsOf = (
  report: CampaignReport,
): Partial<Pick<CampaignReport, (typeof FINDINGS)[number]>> =>
  Object.fromEntries(FINDINGS.filter((name) => report[name].length > 0).map((name) => [name, report[name]]));
