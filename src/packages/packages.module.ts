import { Module } from '@nestjs/common';
import { machineEnvironment } from '../config/machine-environment.js';
import { type PackagesSettings, packagesSettings } from '../config/slices.js';
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
      inject: [packagesSettings.KEY],
      useFactory: (settings: PackagesSettings) => new SetFolders(settings.dir),
    },
    {
      provide: PackageSets,
      inject: [packagesSettings.KEY, SetFolders],
      useFactory: (settings: PackagesSettings, folders: SetFolders) => openPackageSets(settings, folders),
    },
    {
      provide: PackagesService,
      inject: [packagesSettings.KEY, PackagesStore, SetFolders, PackageSets],
      useFactory: (
        settings: PackagesSettings,
        store: PackagesStore,
        folders: SetFolders,
        sets: PackageSets,
      ) => new PackagesService(settings, store, folders, sets),
    },
  ],
  exports: [PackagesStore, PackagesService],
})
export class PackagesModule {}

/** The package sets of this machine, installed by its npm as the settings say. */
export function openPackageSets(settings: PackagesSettings, folders: SetFolders): PackageSets {
  const npm = {
    registry: settings.registry,
    token: settings.token,
    cacheDir: folders.cacheDir(),
    timeoutMs: settings.installTimeoutMs,
    environment: machineEnvironment(),
  };
  return new PackageSets(folders, npm, new ProcessImportChecker(), settings.nativeAddons);
}
