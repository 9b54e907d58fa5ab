/** TCP ports on which this process listens; code that it runs for others is never connected to them. */
export const ownPorts = new Set<number>();
