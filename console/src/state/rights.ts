import { computed, signal } from '@preact/signals';
import type { Role } from '../api/tenants.js';

/** Roles of tokens; each may do what those before it may. */
export const ROLES = ['read', 'submit', 'operate', 'admin'] as const satisfies readonly Role[];

/** What the one that looks may do: all, until the session says otherwise. */
export interface Rights {
  role: Role;
  /** Organizations whose executions it shows; null: those of all, and what all share. */
  organizations: readonly string[] | null;
}

export const ALL_RIGHTS: Rights = { role: 'admin', organizations: null };
export const rights = signal<Rights>(ALL_RIGHTS);

/** Whether the API has tokens with roles, and organizations of which something can be set. */
export const hasTenants = signal(false);

/** Whether something may be done for which a role is needed. What may not be done is not shown. */
export const may = (needed: Role): boolean => ROLES.indexOf(rights.value.role) >= ROLES.indexOf(needed);

/** Whether workers, queue, workspace and packages may be seen, which all organizations share. */
export const seesAll = computed(() => rights.value.organizations === null);

/** Whether those may be changed. */
export const mayOperateAll = (): boolean => seesAll.value && may('operate');
