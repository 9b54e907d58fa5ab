/** A package that people use, and one real use of it. */
export interface PackageUse {
  /** As in the registry. */
  name: string;
  /** What else has to be installed for it. */
  with?: readonly string[];
  /** Needs `NATIVE_ADDONS=on`. */
  native?: true;
  /** A module whose default export is called. */
  code: string;
  /** What it returns, as JSON. */
  is: unknown;
}

/** Shorthand for a use that imports the package and returns one value. */
export const use = (name: string, imports: string, returned: string, is: unknown): PackageUse => ({
  name,
  code: `${imports}\nexport default async () => (${returned});`,
  is,
});
