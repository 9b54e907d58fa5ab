/** A named set of defaults: each value as its environment variable would have it. */
export const PRESETS = {
  orchestrator: {
    about:
      'a replacement of the worker of claude-orchestrator: its queue, its results as text, one task at once, Redis at localhost',
    defaults: {
      QUEUE_NAME: 'claude-tasks',
      TASK_RESULT: 'text',
      CONCURRENCY: '1',
      REDIS_HOST: 'localhost',
      // The orchestrator itself listens at 3000.
      PORT: '0',
    },
  },
  engine: {
    about:
      'beside the execution engine jackmusick/bifrost: its time limits, its update channel, its fields of log entries, its modules as the workspace, Redis at localhost',
    defaults: {
      REDIS_HOST: 'localhost',
      DEFAULT_TIMEOUT_SECONDS: '1800',
      MAX_TIMEOUT_SECONDS: '86400',
      ZERO_TIMEOUT: 'longest',
      EXECUTION_UPDATES: 'on',
      LOG_FIELDS: 'engine',
      WORKSPACE_SOURCE: 'modules',
    },
  },
} as const satisfies Record<string, Preset>;

interface Preset {
  /** Completes "`name`: …" in the documentation. */
  about: string;
  defaults: Readonly<Record<string, string>>;
}

export type PresetName = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];

/** The defaults that a preset brings; none for a name that is no preset, which is reported where it is parsed. */
export const presetDefaults = (name: string | undefined): Readonly<Record<string, string>> =>
  name !== undefined && Object.hasOwn(PRESETS, name) ? PRESETS[name as PresetName].defaults : {};
