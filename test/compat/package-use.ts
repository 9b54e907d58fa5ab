/** A package that people use, and one real use of it. */
export interface PackageUse {
  /** As in the registry. */
  name: string;
  /** What it is called where it was seen; its name, where it has one use. */
  title?: string;
  /** What else has to be installed for it. */
  with?: readonly string[];
  /** Needs `NATIVE_ADDONS=on`. */
  native?: true;
  /** A module whose default export is called. */
  code: string;
  /** The workspace in which `code` is `main.ts`; absent: it is sent along with the execution. */
  files?: Readonly<Record<string, string>>;
  parameters?: Record<string, unknown>;
  /** What it returns, as JSON. */
  is: unknown;
}

/** Shorthand for a use that imports the package and returns one value. */
export const use = (name: string, imports: string, returned: string, is: unknown): PackageUse => ({
  name,
  code: `${imports}\nexport default async () => (${returned});`,
  is,
});
