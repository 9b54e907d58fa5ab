import { Global, Module } from '@nestjs/common';
import { OrganizationDirectory } from './organizations/organization-directory.js';
import { OrganizationStore } from './organizations/organization-store.js';

/** What is known of organizations: their records. Docs: docs/tenants.md. */
@Global()
@Module({
  providers: [OrganizationStore, OrganizationDirectory],
  exports: [OrganizationStore, OrganizationDirectory],
})
export class TenantsModule {}
