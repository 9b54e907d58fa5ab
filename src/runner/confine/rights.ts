interface Permission {
  drop(scope: string): void;
}

/**
 * Gives up a right of Node's permission model for the rest of this process's life. Without that model,
 * which only tests leave out, there is nothing to give up.
 */
export function giveUp(scope: 'ffi' | 'inspector' | 'net'): void {
  (process.permission as unknown as Permission | undefined)?.drop(scope);
}
