import { signal } from '@preact/signals';
import { ask, RequestError, whenUnauthorized } from '../api/client.js';
import type { Session } from '../api/tenants.js';
import { ALL_RIGHTS, hasTenants, rights } from './rights.js';

/** `unknown`: not asked yet; `away`: the worker did not answer. */
export type SessionState = 'unknown' | 'open' | 'closed' | 'away';

export const session = signal<SessionState>('unknown');
/** Whether this API wants a token at all. */
export const tokenWanted = signal(false);
export const version = signal<string | null>(null);

/** Name of the token that the session was begun with; null: there is none, or it is not open. */
export const tokenName = signal<string | null>(null);

/** Asks whether the session of this browser is open. */
export async function loadSession(): Promise<void> {
  try {
    const view = await ask<Session>('/session');
    tokenWanted.value = view.required;
    version.value = view.version;
    tokenName.value = view.name ?? null;
    hasTenants.value = view.role !== undefined;
    rights.value = view.role ? { role: view.role, organizations: view.organizations ?? null } : ALL_RIGHTS;
    session.value = view.open ? 'open' : 'closed';
  } catch {
    session.value = 'away';
  }
}

/** Begins a session. Returns what is wrong with the token, or null. */
export async function logIn(token: string): Promise<string | null> {
  try {
    await ask('/session', { method: 'POST', body: { token } });
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) return 'This is not the token of the worker.';
    return (error as Error).message;
  }
  await loadSession();
  return null;
}

export async function logOut(): Promise<void> {
  await ask('/session', { method: 'DELETE' }).catch(() => undefined);
  session.value = 'closed';
}

whenUnauthorized(() => {
  tokenWanted.value = true;
  if (session.value === 'open') session.value = 'closed';
});
