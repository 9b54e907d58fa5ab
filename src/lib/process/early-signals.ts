const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** How the process ends on a signal that comes before the application listens for signals itself. */
export interface EarlyEnd {
  /** From now on a signal calls this; what it does has `limitMs` until the process just ends. */
  during(onSignal: () => void, limitMs: number): void;
  /** The application listens now. */
  over(): void;
}

/**
 * Has SIGTERM and SIGINT end the process with exit code 0 from now on: nothing has begun that would have to be ended
 * in order. Without a listener the signal itself would end it, and an orchestrator would see a crash.
 */
export function endOnEarlySignals(): EarlyEnd {
  let onSignal = (): void => process.exit(0);
  const listener = (): void => onSignal();
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    during: (work, limitMs) => {
      let isFirst = true;
      onSignal = () => {
        if (!isFirst) return;
        isFirst = false;
        setTimeout(() => process.exit(0), limitMs).unref();
        work();
      };
    },
    over: () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
