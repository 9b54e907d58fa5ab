/** What becomes of a tick whose former one has not ended: both run, it is passed over, it waits, the former is cancelled. */
export const OVERLAP_POLICIES = ['allow', 'skip', 'queue', 'cancel'] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

/** What becomes of ticks that no worker came to before the next was due: the one that waits runs, all run, none does. */
export const MISSED_POLICIES = ['one', 'all', 'skip'] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];
