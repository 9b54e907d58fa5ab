import type { InstalledPackage } from '../../contract/packages.js';
import type { UseMark } from './use-marks.js';

/** The right of one execution to a package set: the set stays on disk until it is released. */
export interface PackageSetLease {
  readonly id: string;
  /** Folder that contains `node_modules`; read-only. */
  readonly dir: string;
  /** Safe to call twice. */
  release(): void;
}

/** A package set that this worker uses: as the current one, by leases, or both. */
export class HeldSet {
  private leases = 0;
  private current = true;

  constructor(
    readonly id: string,
    readonly dir: string,
    readonly installed: readonly InstalledPackage[],
    private readonly mark: UseMark,
    private readonly onUnused: (set: HeldSet) => void,
  ) {}

  lease(): PackageSetLease {
    this.leases += 1;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      this.leases -= 1;
      this.check();
    };
    return { id: this.id, dir: this.dir, release };
  }

  /** It is no longer the one that new executions get. */
  retire(): void {
    this.current = false;
    this.check();
  }

  async touch(): Promise<void> {
    await this.mark.touch();
  }

  async forget(): Promise<void> {
    await this.mark.remove();
  }

  private check(): void {
    if (!this.current && this.leases === 0) this.onUnused(this);
  }
}
