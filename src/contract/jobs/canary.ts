/**
 * The job that an idle worker puts on its own work queue (CANARY_SECONDS) to see whether work is taken. It asks for
 * nothing, has no result, and is gone once it was taken. Its id lets at most one of it wait, whatever the workers.
 */
export const CANARY = { name: 'bifrost-canary', id: 'bifrost-canary' } as const;

/** A job of that id under another name is an execution as any other. */
export const isCanary = ({ id, name }: { id?: string | undefined; name: string }): boolean =>
  id === CANARY.id && name === CANARY.name;
