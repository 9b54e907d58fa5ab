/** Which executions come first, whatever their organization: `interactive` before `background`. */
export const BANDS = ['interactive', 'background'] as const;
export type Band = (typeof BANDS)[number];
