/** How Node loads a source. */
export type SourceFormat = 'module' | 'commonjs' | 'json';

/** One source that the runner can load without asking: compiled JavaScript with an inline source map, or JSON. */
export interface ShippedModule {
  url: string;
  format: SourceFormat;
  source: string;
  /** What its specifiers mean, as far as the worker could resolve them: URL of a workspace module, or null for a package. */
  imports?: Readonly<Record<string, string | null>>;
}
