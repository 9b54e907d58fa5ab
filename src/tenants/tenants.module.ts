import { Global, Module } from '@nestjs/common';
import { AuditTrail } from './audit/audit-trail.js';
import { OrganizationDirectory } from './organizations/organization-directory.js';
import { OrganizationStore } from './organizations/organization-store.js';
import { SecretReader } from './secrets/secret-reader.js';
import { SecretStore } from './secrets/secret-store.js';
import { TokenDirectory } from './tokens/token-directory.js';
import { TokenStore } from './tokens/token-store.js';

const PROVIDERS = [
  AuditTrail,
  OrganizationStore,
  OrganizationDirectory,
  SecretReader,
  SecretStore,
  TokenStore,
  TokenDirectory,
  Quotas,
  UsageCounter,
  UsageStore,
];
import { Quotas } from './usage/quotas.js';
import { UsageCounter } from './usage/usage-counter.js';
import { UsageStore } from './usage/usage-store.js';

/** What is known of organizations: their records and secrets, and the tokens that may act for them. Docs: docs/tenants.md. */
@Global()
@Module({ providers: PROVIDERS, exports: PROVIDERS })
export class TenantsModule {}
