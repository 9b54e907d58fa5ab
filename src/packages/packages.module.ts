import { Module } from '@nestjs/common';
import { SETTINGS } from '../config/config.module.js';
import { machineEnvironment } from '../config/machine-environment.js';
import type { Settings } from '../config/settings.js';
import { ProcessImportChecker } from './install/import-check.js';
import { PackageSets } from './sets/package-sets.js';
import { PackagesService } from './packages.service.js';
import { PackagesStore } from './packages.store.js';
import { SetFolders } from './sets/set-folders.js';

/** The npm packages of the manifest: the store for the API, the service for the worker. */
@Module({
  providers: [
    PackagesStore,
    {
      provide: SetFolders,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SetFolders(settings.PACKAGES_DIR),
    },
    {
      provide: PackageSets,
      inject: [SETTINGS, SetFolders],
      useFactory: (settings: Settings, folders: SetFolders) => openPackageSets(settings, folders),
    },
    {
      provide: PackagesService,
      inject: [SETTINGS, PackagesStore, SetFolders, PackageSets],
      useFactory: (settings: Settings, store: PackagesStore, folders: SetFolders, sets: PackageSets) =>
        new PackagesService(settings, store, folders, sets),
    },
  ],
  exports: [PackagesStore, PackagesService],
})
export class PackagesModule {}

/** The package sets of this machine, installed by its npm as the settings say. */
export function openPackageSets(settings: Settings, folders: SetFolders): PackageSets {
  const npm = {
    registry: settings.NPM_REGISTRY,
    token: settings.NPM_TOKEN,
    cacheDir: folders.cacheDir(),
    timeoutMs: settings.PACKAGES_INSTALL_TIMEOUT_SECONDS * 1000,
    environment: machineEnvironment(),
  };
  return new PackageSets(folders, npm, new ProcessImportChecker());
}
