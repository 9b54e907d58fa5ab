// What the API says of tokens and organizations where it has them: an API without them names no role in its session.

export type Role = 'read' | 'submit' | 'operate' | 'admin';

/** `GET /session`. */
export interface Session {
  required: boolean;
  open: boolean;
  version: string | null;
  name?: string | null;
  role?: Role | null;
  organizations?: string[] | null;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  organizations: string[] | null;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  expired: boolean;
}
export interface Tokens {
  tokens: Token[];
}
export interface CreatedToken extends Token {
  token: string;
}

export interface AuditPage {
  entries: {
    id: string;
    at: string;
    token_name: string;
    role: Role;
    action: string;
    target: string;
    status: number;
  }[];
}

export type QuotaName = 'cpu_seconds' | 'executions' | 'network_bytes' | 'artifact_bytes';
export type QuotaAction = 'refuse' | 'slow';

export interface Organization {
  id: string;
  weight: number;
  max_running?: number | null;
  rate?: { executions: number; per_seconds: number } | null;
  workflows: object;
  quotas: Partial<Record<QuotaName, { limit: number; action: QuotaAction } | null>>;
  limits: object;
  created_at: string | null;
  updated_at: string | null;
}
export interface Organizations {
  organizations: Organization[];
  next_cursor: string | null;
}

export interface UsageRow extends Record<QuotaName, number> {
  day: string;
  organization: string;
}
export interface Usage {
  usage: UsageRow[];
  next_cursor: string | null;
}
