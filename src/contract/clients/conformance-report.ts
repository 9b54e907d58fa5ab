/** What came of one check of `bifrost conformance`. */
export interface ConformanceCheck {
  name: string;
  /** skipped: a check before it failed without which it means nothing. */
  outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed; empty otherwise. */
  detail: string;
  durationMs: number;
}

/** How a worker keeps the contract. */
export interface ConformanceReport {
  ok: boolean;
  queue: string;
  preset: string | null;
  checks: ConformanceCheck[];
}
